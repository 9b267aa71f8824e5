import type { PolicyContent } from '../../../protocol/policy-bundle.ts';
import { type DiffLine, diffLines } from './line-diff.ts';
import { DATA_FILE, SCHEMA_FILE } from './policy-folder.ts';

/** Lines around a change that are shown with it. */
const CONTEXT = 3;

/** The files of a content as they lie in a folder, by name; the data as JSON of two spaces. */
export function contentFiles({ schema, policies, data }: PolicyContent): Map<string, string> {
  return new Map([
    [SCHEMA_FILE, schema],
    ...Object.entries(policies),
    [DATA_FILE, `${JSON.stringify(data, null, 2)}\n`],
  ]);
}

/** What differs between two contents, file by file, in the unified form that people know from their tools. */
export function contentDiff(before: PolicyContent, after: PolicyContent): string {
  const [old, drafted] = [contentFiles(before), contentFiles(after)];
  const names = [...new Set([...old.keys(), ...drafted.keys()])].sort();
  return names.flatMap((name) => fileDiff(name, old.get(name), drafted.get(name))).join('\n');
}

function fileDiff(name: string, before: string | undefined, after: string | undefined): string[] {
  if (before === after) return [];
  const lines = diffLines(linesOf(before ?? ''), linesOf(after ?? ''));
  return [
    `--- ${before === undefined ? '(none)' : name}`,
    `+++ ${after === undefined ? '(none)' : name}`,
    ...hunks(lines),
  ];
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** Changes with the lines around them; those that are near each other as one. */
function hunks(lines: readonly DiffLine[]): string[] {
  const shown = new Set<number>();
  for (const [at, { kind }] of lines.entries()) {
    if (kind === ' ') continue;
    for (let near = at - CONTEXT; near <= at + CONTEXT; near += 1) shown.add(near);
  }
  const texts: string[] = [];
  const next = { before: 1, after: 1 };
  for (const [at, { kind, text }] of lines.entries()) {
    if (shown.has(at)) {
      if (at === 0 || !shown.has(at - 1)) texts.push(`@@ -${next.before} +${next.after} @@`);
      texts.push(kind + text);
    }
    if (kind !== '+') next.before += 1;
    if (kind !== '-') next.after += 1;
  }
  return texts;
}
