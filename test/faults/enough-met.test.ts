import { describe, expect, it } from 'vitest';
import { leastMet } from './enough-met.ts';

describe('a run with faults', () => {
  it.each([1, 2, 3])('has shown nothing where none of %i was met', (faults) => {
    expect(leastMet(faults)).toBe(1);
  });

  it('may miss some where there are many, as timers go', () => {
    expect([leastMet(10), leastMet(100)]).toEqual([7, 79]);
  });
});
