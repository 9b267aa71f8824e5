import { describe, expect, it } from 'vitest';
import { FairLine } from '../../bridge/transforms/fair-line.ts';

/** The path of `Aa1` is A, then a. */
const pathOf = (item: string): [string, string] => [item[0] ?? '', item[1] ?? ''];

function lineOf(items: string): FairLine<string> {
  const line = new FairLine<string>();
  for (const item of items.split(' ')) line.add(pathOf(item), item);
  return line;
}

function takeAll(line: FairLine<string>): string {
  const taken: string[] = [];
  for (let item = line.take(); item !== undefined; item = line.take()) taken.push(item);
  return taken.join(' ');
}

describe('a fair line', () => {
  it('serves keys in turns, and each key first come, first served', () => {
    expect(takeAll(lineOf('Aa1 Aa2 Aa3 Ab1 Ac1 Ac2'))).toBe('Aa1 Ab1 Ac1 Aa2 Ac2 Aa3');
  });

  it('serves keys of the first level in turns, however many they have below', () => {
    expect(takeAll(lineOf('Aa1 Ab1 Ac1 Ad1 Ba1 Ba2'))).toBe('Aa1 Ba1 Ab1 Ba2 Ac1 Ad1');
  });

  it('lets a key that comes while others wait in at its turn, and not before them', () => {
    const line = lineOf('Aa1 Aa2 Aa3');
    expect(line.take()).toBe('Aa1');
    line.add(pathOf('Ab1'), 'Ab1');
    line.add(pathOf('Ba1'), 'Ba1');
    expect(takeAll(line)).toBe('Aa2 Ba1 Ab1 Aa3');
  });

  it('takes one out wherever it stands', () => {
    const line = lineOf('Aa1 Aa2 Ba1');
    expect(line.remove(pathOf('Aa2'), 'Aa2')).toBe(true);
    expect(line.remove(pathOf('Ba1'), 'Ba1')).toBe(true);
    expect(line.remove(pathOf('Aa2'), 'Aa2')).toBe(false);
    expect(line.size).toBe(1);
    expect(takeAll(line)).toBe('Aa1');
  });

  it('makes room by the newest of the longest, for whoever has less', () => {
    const line = lineOf('Aa1 Aa2 Aa3 Ba1');
    expect(line.displaceFor(['C', 'a'])).toBe('Aa3');
    expect(line.displaceFor(['C', 'a'])).toBe('Aa2');
    expect(line.displaceFor(['C', 'a'])).toBeUndefined();
    expect(line.size).toBe(2);
    expect(takeAll(line)).toBe('Aa1 Ba1');
  });

  it('makes room by who has the most below the longest', () => {
    expect(lineOf('Aa1 Ab1 Ab2 Ac1 Ba1').displaceFor(['B', 'a'])).toBe('Ab2');
  });

  it('makes room for a key by its own first level, where that has the most', () => {
    expect(lineOf('Aa1 Aa2 Ba1').displaceFor(['A', 'b'])).toBe('Aa2');
    expect(lineOf('Aa1 Aa2 Aa3 Ba1').displaceFor(['A', 'a'])).toBeUndefined();
  });

  it('makes no room for the many keys of one at the cost of another who has few', () => {
    expect(lineOf('Aa1 Ab1 Ac1 Ba1 Ba2').displaceFor(['A', 'd'])).toBeUndefined();
  });

  it('is empty once it was cleared', () => {
    const line = lineOf('Aa1 Ba1');
    expect(line.clear()).toEqual(['Aa1', 'Ba1']);
    expect([line.size, line.take()]).toEqual([0, undefined]);
  });

  it('is empty once everything was taken out or made room, and counts on from there', () => {
    const line = lineOf('Aa1 Aa2');
    expect(line.displaceFor(['B', 'a'])).toBe('Aa2');
    expect(line.take()).toBe('Aa1');
    expect([line.size, line.take()]).toEqual([0, undefined]);
    line.add(pathOf('Ca1'), 'Ca1');
    expect([line.size, line.take()]).toEqual([1, 'Ca1']);
  });
});
