import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exists, type Page, parsePage, ROOT, readPages } from './markdown.ts';

const pages = readPages();
const byPath = new Map(pages.map((page) => [page.path, page]));

/** Links that lead nowhere; of foreign sites only the form is looked at. */
function brokenLinks({ path, links, anchors }: Page): string[] {
  return links.filter((link) => {
    if (/^https:\/\/[^/]+/.test(link)) return false;
    const [file = '', anchor] = link.split('#');
    if (file === '') return anchor === undefined || !anchors.has(anchor);
    const target = posix.join(posix.dirname(path), decodeURIComponent(file));
    if (!exists(target)) return true;
    return anchor !== undefined && byPath.get(target)?.anchors.has(anchor) !== true;
  });
}

/** What a text in backticks must begin with to be taken for a path of the project. */
const FOLDERS =
  /^(protocol|client|recrypt|connectors|bridge|demo|bench|helm|scripts|test|docs|\.ci)\/[\w./*{},-]*$/;
const ROOT_FILES = /^[\w.-]+\.(md|json|yaml)$|^[\w.]+\.config\.ts$/;

/** Paths that are not there. `<name>` and `*` stand for anything, `{a,b}` for each. */
function missingPaths({ path, codes }: Page): string[] {
  return codes
    .flatMap(alternatives)
    .filter((code) => FOLDERS.test(code) || (ROOT_FILES.test(code) && !GENERATED.has(code)))
    .filter((code) => !code.includes('*'))
    .filter((code) => !exists(code) && !exists(posix.join(posix.dirname(path), code)));
}

/** Files that running something makes, on the reader's machine. */
const GENERATED = new Set([
  'countersign.yaml',
  'root-key.json',
  'events.ndjson',
  'pins.json',
  'split-view.json',
]);

function alternatives(code: string): string[] {
  const braces = /^(.*)\{([^}]+)\}(.*)$/.exec(code);
  if (braces === null) return [code];
  const [, before = '', names = '', after = ''] = braces;
  return names.split(',').map((name) => `${before}${name.trim()}${after}`);
}

/** Scripts that npm does not have. */
function unknownScripts({ text }: Page): string[] {
  const { scripts } = JSON.parse(readFileSync(posix.join(ROOT, 'package.json'), 'utf8'));
  return [...text.matchAll(/\bnpm run (?:--silent |-s )?([a-z][\w:-]*)/g)]
    .map((match) => match[1] ?? '')
    .filter((name) => !Object.hasOwn(scripts, name));
}

/** Arguments of `npm run test:unit --` that are neither file nor folder. */
function unknownTestPaths({ text }: Page): string[] {
  return [...text.matchAll(/npm run test:unit -- ([^`\n]+)`/g)]
    .flatMap(([, paths = '']) => paths.split(' '))
    .filter((path) => !path.includes('<') && !exists(path));
}

describe('the checks of documents', () => {
  it('find a link to no file and to no heading', () => {
    const page = parsePage('a.md', '# One, two\n[x](no.md) [y](#one-two) [z](#two) [w](https://x.example/)');
    expect(brokenLinks(page)).toEqual(['no.md', '#two']);
  });

  it('find a path that is not there, and a script', () => {
    const page = parsePage('a.md', '`bridge/no.ts` `bridge/{main.ts,no}` `npm run nothing` `bridge/*.ts`');
    expect(missingPaths(page)).toEqual(['bridge/no.ts', 'bridge/no']);
    expect(unknownScripts(page)).toEqual(['nothing']);
    expect(unknownTestPaths(parsePage('a.md', '`npm run test:unit -- test/docs test/no`'))).toEqual([
      'test/no',
    ]);
  });

  it('leave code blocks alone', () => {
    expect(parsePage('a.md', '```sh\n# no heading\n[x](no.md)\n```\n').links).toEqual([]);
  });
});

describe.each(pages.map((page) => [page.path, page] as const))('%s', (_path, page) => {
  it('has no link that leads nowhere', () => {
    expect(brokenLinks(page)).toEqual([]);
  });

  it('names no file of the project that does not exist', () => {
    expect(missingPaths(page)).toEqual([]);
  });

  it('names no npm script that does not exist', () => {
    expect(unknownScripts(page)).toEqual([]);
  });

  it('names no test to run that does not exist', () => {
    expect(unknownTestPaths(page)).toEqual([]);
  });
});
