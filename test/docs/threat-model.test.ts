import { describe, expect, it } from 'vitest';
import { readPage } from './markdown.ts';
import { isTest, namedTests } from './test-titles.ts';

const { text } = readPage('docs/threat-model.md');

describe('the search for a test', () => {
  it('reads files and titles off a text', () => {
    expect(namedTests('x `test/a.test.ts` “one”, “two”; `test/b.test.ts` “three”, `test/c.test.ts`')).toEqual(
      [
        { file: 'test/a.test.ts', title: 'one' },
        { file: 'test/a.test.ts', title: 'two' },
        { file: 'test/b.test.ts', title: 'three' },
      ],
    );
  });

  it('finds a test, a group, and a row of a table', () => {
    const file = 'test/saml/signature.test.ts';
    expect(isTest({ file, title: 'are refused when expired' })).toBe(true);
    expect(isTest({ file, title: 'what is signed' })).toBe(true);
    expect(isTest({ file, title: 'are refused: RSA with SHA-1' })).toBe(true);
  });

  it('does not find another title, another row, or another file', () => {
    const file = 'test/saml/signature.test.ts';
    expect(isTest({ file, title: 'are refused when' })).toBe(false);
    expect(isTest({ file, title: 'are refused: RSA with SHA-256' })).toBe(false);
    expect(isTest({ file: 'test/saml/none.test.ts', title: 'are refused when expired' })).toBe(false);
  });
});

describe('the threat model', () => {
  const named = namedTests(text);

  it('names tests that exist, by file and title', () => {
    expect(named.filter((test) => !isTest(test))).toEqual([]);
    expect(named.length).toBeGreaterThan(150);
  });

  it('has a test, or says why not, in every row of an attack', () => {
    const rows = [...text.matchAll(/^\| (.+?) \|.*\|$/gm)].map(([row]) => row);
    const attacks = rows.slice(rows.findIndex((row) => row.startsWith('| Attack')));
    const bare = attacks.filter(
      (row) =>
        !row.startsWith('| Attack') && namedTests(row).length === 0 && !row.includes('Nothing to attack'),
    );
    expect(bare).toEqual([]);
  });
});
