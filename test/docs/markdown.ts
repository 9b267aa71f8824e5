import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A Markdown file of the project, taken apart as far as the checks need. */
export interface Page {
  /** From the root. */
  readonly path: string;
  readonly text: string;
  /** Without code blocks. */
  readonly prose: string;
  /** What headings can be linked by. */
  readonly anchors: ReadonlySet<string>;
  /** Targets of links and images. */
  readonly links: readonly string[];
  /** Texts in backticks. */
  readonly codes: readonly string[];
}

const NOT_OURS = new Set(['node_modules', 'dist', '.git', 'testdata']);

/** Every Markdown file of the project. */
export function readPages(): Page[] {
  return markdownFiles('').map((path) => parsePage(path, readFileSync(posix.join(ROOT, path), 'utf8')));
}

export function readPage(path: string): Page {
  return parsePage(path, readFileSync(posix.join(ROOT, path), 'utf8'));
}

export function exists(path: string): boolean {
  return existsSync(posix.join(ROOT, path));
}

function markdownFiles(folder: string): string[] {
  return readdirSync(posix.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

export function parsePage(path: string, text: string): Page {
  const prose = text.replace(/^( *)(`{3,}|~{3,}).*\n[\s\S]*?^\1\2.*$/gm, '');
  const codes = [...prose.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');
  const linkable = prose.replace(/`[^`\n]+`/g, (code) => (code.includes('](') ? '' : code));
  const links = [...linkable.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');
  return { path, text, prose, anchors: anchorsOf(prose), links, codes };
}

/** As GitHub makes them: lower case, punctuation gone, spaces to hyphens, repeats numbered. */
function anchorsOf(prose: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of prose.matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let repeat = 1; anchors.has(anchor); repeat++) anchor = `${slug}-${repeat}`;
    anchors.add(anchor);
  }
  return anchors;
}
