import { describe, expect, it } from 'vitest';
import { readPage, readPages } from './markdown.ts';

const INDEX = 'docs/decisions/README.md';

describe('the index of decisions', () => {
  it('lists every decision by its number and title, in order', () => {
    const rows = readPages()
      .filter(({ path }) => /^docs\/decisions\/\d{4}-/.test(path))
      .sort((a, b) => a.path.localeCompare(b.path))
      .map(({ path, text }) => {
        const [, number, title] = /^# (\d+)\. (.+)/.exec(text) ?? [];
        return `| ${number} | [${title}](${path.split('/').at(-1)}) |`;
      });
    const listed = readPage(INDEX).text.split('\n');
    expect(listed.filter((line) => /^\| \d/.test(line))).toEqual(rows);
  });
});
