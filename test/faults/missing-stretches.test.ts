import { describe, expect, it } from 'vitest';
import { missingStretches, sumOf } from './missing-stretches.ts';

const logged = ['a', 'b', 'c', 'd', 'e', 'f'].map((id, at) => ({ id, bytes: 2 ** at }));

describe('what a receiver lacks', () => {
  it('is counted by stretches, each with its events and bytes', () => {
    expect(missingStretches(logged, new Set(['c', 'd']))).toEqual([
      { events: 2, bytes: 3 },
      { events: 2, bytes: 48 },
    ]);
    expect(sumOf(missingStretches(logged, new Set(['b'])))).toEqual({ events: 5, bytes: 61 });
  });

  it('is nothing where all arrived', () => {
    expect(missingStretches(logged, new Set(logged.map(({ id }) => id)))).toEqual([]);
    expect(sumOf([])).toEqual({ events: 0, bytes: 0 });
  });
});
