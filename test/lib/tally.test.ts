import { describe, expect, it } from 'vitest';
import { createTally } from '../../bridge/lib/tally.ts';

describe('a tally', () => {
  it('knows how many there are of each name, and of all', () => {
    const tally = createTally();
    for (const name of ['a', 'b', 'a']) tally.add(name);
    expect([tally.of('a'), tally.of('b'), tally.of('c'), tally.all]).toEqual([2, 1, 0, 3]);
    tally.remove('a');
    tally.remove('b');
    expect([tally.of('a'), tally.of('b'), tally.all]).toEqual([1, 0, 1]);
  });

  it('takes away nothing that was not added', () => {
    const tally = createTally();
    tally.add('a');
    expect(() => tally.remove('b')).toThrow(RangeError);
    expect(tally.all).toBe(1);
  });
});
