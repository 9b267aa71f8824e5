import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exists, ROOT, readPage } from './markdown.ts';

const { text } = readPage('docs/architecture.md');
const CORE = ['protocol', 'bridge/lib', 'bridge/storage', 'bridge/signer'];

/** The table of test/architecture.test.ts as written there, each row's names sorted. */
function enforcedTable(): Map<string, string[]> {
  const source = readFileSync(join(ROOT, 'test/architecture.test.ts'), 'utf8');
  const body = /const MAY_IMPORT[^{]*\{\n([\s\S]*?)\n\};/.exec(source)?.[1] ?? '';
  const rows = body.split(/\n(?= {2}\S)/).filter((row) => !row.trim().startsWith('//') || row.includes(':'));
  return new Map(
    rows.flatMap((row) => {
      const code = row.replace(/^ *\/\/.*$/gm, '');
      const [, name = '', rest = ''] = /^\s*'?([\w./-]+)'?: ([\s\S]*)$/.exec(code) ?? [];
      if (name === '') return [];
      const words = [...rest.matchAll(/'([^']+)'|\b(CORE|SERVER|EVERYTHING)\b/g)];
      return [[name, words.map(([, quoted, constant]) => quoted ?? constant?.toLowerCase() ?? '').sort()]];
    }),
  );
}

/** The table of the page, in the same form. */
function shownTable(): Map<string, string[]> {
  const table = /\| Folder \| May import \|\n\|---\|---\|\n((?:\|.*\n)+)/.exec(text)?.[1] ?? '';
  const rows = [...table.matchAll(/^\| (\S+) \| (.*) \|$/gm)];
  return new Map(
    rows.map(([, name = '', names = '']) => [
      name.replace('*', ''),
      names === 'nothing' ? [] : names.split(', ').sort(),
    ]),
  );
}

describe('docs/architecture.md', () => {
  it('shows the import table that test/architecture.test.ts holds', () => {
    expect(shownTable()).toEqual(enforcedTable());
    expect(shownTable().size).toBeGreaterThan(20);
  });

  it('says what core stands for', () => {
    expect(text).toContain(`\`core\` stands for ${CORE.map((name) => `\`${name}\``).join(', ')}`);
  });

  it('names every context of the bridge', () => {
    const contexts = [...enforcedTable().keys()].filter((row) => /^bridge\/[a-z]+$/.test(row) && exists(row));
    expect(contexts.filter((context) => !text.includes(`\`${context}/\``))).toEqual([]);
  });

  it('draws only files that exist', () => {
    const drawings = [...text.matchAll(/```\n([\s\S]*?)```/g)].map((match) => match[1] ?? '').join('\n');
    const files = [...drawings.matchAll(/[a-z][\w-]*(?:\/[\w-]+)*\.ts\b/g)].map(([file]) => file);
    const places = ['', 'client/', 'bridge/', 'bridge/http/routes/', 'bridge/federation/'];
    expect(files.filter((file) => !places.some((place) => exists(`${place}${file}`)))).toEqual([]);
    expect(files.length).toBeGreaterThan(20);
  });
});
