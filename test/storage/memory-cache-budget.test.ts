import { describe, expect, it } from 'vitest';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';

const clock = { now: () => 1_700_000_000_000 };

describe('The cache in memory, under a flood of large values', () => {
  it('holds no more text than it may, and gives up the oldest', async () => {
    const cache = new MemoryCache({ clock, characters: 10_000 });
    for (let index = 0; index < 100; index++) await cache.set(`k${index}`, 'x'.repeat(1_000), 60_000);
    const left = await Promise.all(Array.from({ length: 100 }, (_, index) => cache.get(`k${index}`)));
    const length = left.reduce((sum, value) => sum + (value?.length ?? 0), 0);
    expect(length).toBeGreaterThan(8_000);
    expect(length).toBeLessThanOrEqual(10_000);
    expect(left[99]).toBeDefined();
    expect(left[0]).toBeUndefined();
  });

  it('has its room back when values are replaced, deleted or taken', async () => {
    const cache = new MemoryCache({ clock, characters: 1_000 });
    await cache.set('kept', 'x'.repeat(300), 60_000);
    for (let round = 0; round < 20; round++) {
      await cache.set('replaced', 'y'.repeat(200), 60_000);
      await cache.set('deleted', 'z'.repeat(200), 60_000);
      await cache.delete('deleted');
      await cache.set('taken', 'z'.repeat(200), 60_000);
      await cache.take('taken');
      await cache.increment('count', 60_000);
    }
    expect(await cache.get('kept')).toBe('x'.repeat(300));
    expect(await cache.get('count')).toBe('20');
  });
});
