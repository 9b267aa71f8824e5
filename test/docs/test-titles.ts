import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exists, ROOT } from './markdown.ts';

/** A test that a document names. */
export interface NamedTest {
  readonly file: string;
  readonly title: string;
}

/** What stands as `` `test/….ts` “title”, “title” `` in a text. */
export function namedTests(text: string): NamedTest[] {
  return [...text.matchAll(/`(test\/[\w./-]+\.ts)`((?:,? “[^”]+”)+)/g)].flatMap(
    ([, file = '', titles = '']) =>
      [...titles.matchAll(/“([^”]+)”/g)].map(([, title = '']) => ({ file, title })),
  );
}

/** Whether a test, or a group of them, has this title in this file; a title of a table names its row. */
export function isTest({ file, title }: NamedTest): boolean {
  if (!exists(file)) return false;
  const source = readFileSync(join(ROOT, file), 'utf8');
  return titlesIn(source).some((pattern) => {
    if (pattern === title) return true;
    const row = rowOf(pattern, title);
    return row !== undefined && (row === '' || isLiteral(source, row));
  });
}

const STRING = /'((?:\\.|[^'\\\n])*)'|"((?:\\.|[^"\\\n])*)"|`((?:\\.|[^`\\])*)`/;

/** First arguments of `it`, `test` and `describe`, and of what their `each` answers. */
function titlesIn(source: string): string[] {
  const call = new RegExp(`(?:\\b(?:it|test|describe)|\\))\\(\\s*(?:${STRING.source})`, 'g');
  return [...source.matchAll(call)].map(([, single, double, template]) =>
    unescaped(single ?? double ?? template ?? ''),
  );
}

/** Whether `text` stands in the source as a whole literal. */
function isLiteral(source: string, text: string): boolean {
  return ["'", '"', '`'].some((quote) =>
    source.includes(quote + text.replaceAll(quote, `\\${quote}`) + quote),
  );
}

const unescaped = (text: string) => text.replace(/\\(['"`\\])/g, '$1');

/** What stands in `title` where `pattern` has its one placeholder; undefined where the rest differs. */
function rowOf(pattern: string, title: string): string | undefined {
  const parts = pattern.split(/%[sjid]|\$\{.*\}/);
  const [before = '', after] = parts;
  if (parts.length !== 2 || after === undefined || title.length < before.length + after.length)
    return undefined;
  if (!title.startsWith(before) || !title.endsWith(after)) return undefined;
  return title.slice(before.length, title.length - after.length);
}
