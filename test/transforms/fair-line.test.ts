import { describe, expect, it } from 'vitest';
import { FairLine } from '../../bridge/transforms/fair-line.ts';

function lineOf(items: readonly string[]): FairLine<string> {
  const line = new FairLine<string>();
  for (const item of items) line.add(item[0] ?? '', item);
  return line;
}

function takeAll(line: FairLine<string>): string[] {
  const taken: string[] = [];
  for (let item = line.take(); item !== undefined; item = line.take()) taken.push(item);
  return taken;
}

describe('a fair line', () => {
  it('serves keys in turns, and each key first come, first served', () => {
    expect(takeAll(lineOf(['a1', 'a2', 'a3', 'b1', 'c1', 'c2']))).toEqual([
      'a1',
      'b1',
      'c1',
      'a2',
      'c2',
      'a3',
    ]);
  });

  it('lets a key that comes while others wait in at its turn, and not before them', () => {
    const line = lineOf(['a1', 'a2', 'a3']);
    expect(line.take()).toBe('a1');
    line.add('b', 'b1');
    expect(takeAll(line)).toEqual(['a2', 'b1', 'a3']);
  });

  it('takes one out wherever it stands', () => {
    const line = lineOf(['a1', 'a2', 'b1']);
    expect(line.remove('a', 'a2')).toBe(true);
    expect(line.remove('b', 'b1')).toBe(true);
    expect(line.remove('a', 'a2')).toBe(false);
    expect(line.size).toBe(1);
    expect(takeAll(line)).toEqual(['a1']);
  });

  it('makes room by the newest of the longest, for whoever has less', () => {
    const line = lineOf(['a1', 'a2', 'a3', 'b1']);
    expect(line.displaceFor('c')).toBe('a3');
    expect(line.displaceFor('c')).toBe('a2');
    expect(line.displaceFor('c')).toBeUndefined();
    expect(takeAll(line)).toEqual(['a1', 'b1']);
  });

  it('makes no room for the one who has the most', () => {
    expect(lineOf(['a1', 'a2', 'b1']).displaceFor('a')).toBeUndefined();
  });

  it('is empty once it was cleared', () => {
    const line = lineOf(['a1', 'b1']);
    expect(line.clear()).toEqual(['a1', 'b1']);
    expect([line.size, line.take()]).toEqual([0, undefined]);
  });
});
