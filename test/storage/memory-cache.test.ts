import { describe, expect, it } from 'vitest';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import { describeCache } from '../contract/cache.ts';

class MovableClock {
  time = 1_700_000_000_000;
  now(): number {
    return this.time;
  }
}

describeCache('in memory', async () => {
  const clock = new MovableClock();
  return {
    cache: new MemoryCache({ clock }),
    advance: async (ms) => {
      clock.time += ms;
    },
    now: () => clock.now(),
    slack: 0,
    cleanUp: async () => {},
  };
});

describe('The cache in memory, when it is full', () => {
  it('gives up expired values before live ones, however old', async () => {
    const clock = new MovableClock();
    const cache = new MemoryCache({ clock, entries: 3 });
    await cache.set('old', 'value', 60_000);
    await cache.set('short', 'value', 1_000);
    await cache.set('young', 'value', 60_000);
    clock.time += 1_000;
    await cache.set('new', 'value', 60_000);
    expect(await cache.get('old')).toBe('value');
    expect(await cache.get('young')).toBe('value');
    expect(await cache.get('new')).toBe('value');
  });

  it('gives up the oldest value when none has expired', async () => {
    const cache = new MemoryCache({ clock: new MovableClock(), entries: 3 });
    await cache.set('a', 'value', 60_000);
    await cache.set('b', 'value', 60_000);
    await cache.set('c', 'value', 60_000);
    await cache.set('a', 'set again', 60_000);
    await cache.set('d', 'value', 60_000);
    expect(await cache.get('b')).toBeUndefined();
    expect(await cache.get('a')).toBe('set again');
    expect(await cache.get('c')).toBe('value');
    expect(await cache.get('d')).toBe('value');
  });

  it('gives up no count for values: who floods it goes on being counted', async () => {
    const cache = new MemoryCache({ clock: new MovableClock(), entries: 3 });
    await cache.increment('caller', 60_000);
    for (let index = 0; index < 10; index++) await cache.set(`flood-${index}`, 'value', 60_000);
    expect(await cache.increment('caller', 60_000)).toBe(2);
    for (let index = 0; index < 10; index++) await cache.increment(`other-${index}`, 60_000);
    expect(await cache.get('flood-9')).toBe('value');
    expect(await cache.get('caller')).toBeUndefined();
  });

  it('refuses another mark rather than forget one, so that a flood does not open a replay', async () => {
    const clock = new MovableClock();
    const cache = new MemoryCache({ clock, entries: 2 });
    expect(await cache.consumeOnce('first', 60_000)).toBe(true);
    expect(await cache.consumeOnce('second', 1_000)).toBe(true);
    await expect(cache.consumeOnce('third', 60_000)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await cache.consumeOnce('first', 60_000)).toBe(false);

    clock.time += 1_000;
    expect(await cache.consumeOnce('third', 60_000)).toBe(true);
    expect(await cache.consumeOnce('first', 60_000)).toBe(false);
  });
});
