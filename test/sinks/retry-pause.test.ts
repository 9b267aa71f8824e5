import { describe, expect, it } from 'vitest';
import { retryPause } from '../../bridge/events/delivery/retry-pause.ts';

const longest = (failures: number) => retryPause(failures, { random: () => 1 });

describe('the pause before the next try', () => {
  it('is all random, from nothing to its longest', () => {
    expect(retryPause(5, { random: () => 0 })).toBe(0);
    expect(retryPause(5, { random: () => 0.5 })).toBe(longest(5) / 2);
  });

  it('doubles from try to try, up to a minute', () => {
    expect([1, 2, 3, 4].map(longest)).toEqual([200, 400, 800, 1_600]);
    expect([20, 100, 100_000].map(longest)).toEqual([60_000, 60_000, 60_000]);
  });

  it('is at least what the receiver asked for, as far as that is reasonable', () => {
    expect(retryPause(1, { retryAfter: 30, random: () => 1 })).toBe(30_000);
    expect(retryPause(1, { retryAfter: 1e9, random: () => 1 })).toBe(900_000);
  });
});
