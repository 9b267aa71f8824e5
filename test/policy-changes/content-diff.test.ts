import { describe, expect, it } from 'vitest';
import { contentDiff } from '../../bridge/policy/content/content-diff.ts';
import { diffLines } from '../../bridge/policy/content/line-diff.ts';
import { processorTime } from '../fakes/processor-time.ts';

const apply = (lines: ReturnType<typeof diffLines>, side: '-' | '+') =>
  lines.filter(({ kind }) => kind === ' ' || kind === side).map(({ text }) => text);

describe('the difference of two texts', () => {
  it.each([
    ['', '', 0],
    ['abcabba', 'cbabac', 5],
    ['abc', 'abc', 0],
    ['', 'abc', 3],
    ['abc', '', 3],
    ['xaxbx', 'axbxx', 2],
    ['a', 'b', 2],
  ])('of %j and %j is %d lines, and has both of them in it', (before, after, changes) => {
    const lines = diffLines([...before], [...after]);
    expect(apply(lines, '-').join('')).toBe(before);
    expect(apply(lines, '+').join('')).toBe(after);
    expect(lines.filter(({ kind }) => kind !== ' ')).toHaveLength(changes);
  });

  it('of two that have nothing in common is all of both, soon', () => {
    const [before, after] = ['a', 'b'].map((letter) =>
      Array.from({ length: 4_000 }, (_, n) => `${letter}${n}`),
    );
    const begun = processorTime();
    const lines = diffLines(before ?? [], after ?? []);
    expect(processorTime() - begun).toBeLessThan(1);
    expect([apply(lines, '-'), apply(lines, '+')]).toEqual([before, after]);
  });
});

describe('the difference of two policies', () => {
  const numbered = (changed: Record<number, string>) =>
    Array.from({ length: 20 }, (_, n) => `${changed[n + 1] ?? `line ${n + 1}`}\n`).join('');
  const before = { schema: 's\n', policies: { 'a.cedar': numbered({}), 'b.cedar': 'b\n' }, data: { n: 1 } };

  it('shows the changed lines of each file with three around them, and where they stand', () => {
    const policies = { 'a.cedar': numbered({ 2: 'two', 15: 'fifteen' }), 'c.cedar': 'c\n' };
    expect(contentDiff(before, { ...before, policies, data: { n: 2 } })).toBe(
      [
        ...['--- a.cedar', '+++ a.cedar', '@@ -1 +1 @@', ' line 1', '-line 2', '+two', ' line 3', ' line 4'],
        ...[' line 5', '@@ -12 +12 @@', ' line 12', ' line 13', ' line 14', '-line 15', '+fifteen'],
        ...[' line 16', ' line 17', ' line 18', '--- b.cedar', '+++ (none)', '@@ -1 +1 @@', '-b'],
        ...['--- (none)', '+++ c.cedar', '@@ -1 +1 @@', '+c', '--- data.json', '+++ data.json'],
        ...['@@ -1 +1 @@', ' {', '-  "n": 1', '+  "n": 2', ' }'],
      ].join('\n'),
    );
  });

  it('is empty where nothing differs', () => {
    expect(contentDiff(before, { ...before, data: { n: 1 } })).toBe('');
  });
});
