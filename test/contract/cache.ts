import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CACHE_KEY_LENGTH, CACHE_VALUE_LENGTH, type Cache, keyspace } from '../../bridge/storage/cache.ts';

export interface CacheFixture {
  readonly cache: Cache;
  /** The time of the cache's clock. */
  now(): number;
  /** Lets this much time pass for the cache. */
  advance(ms: number): Promise<void>;
  /** Up to how many ms more than that may pass meanwhile: the time that the machine takes. At most 59,000. */
  readonly slack: number;
  /** After the cache was closed. */
  cleanUp(): Promise<void>;
}

/** Longer than a machine stalls while a test goes on. */
const MINUTE = 60_000;

/** What every implementation of the Cache port does. */
export function describeCache(name: string, open: () => Promise<CacheFixture>): void {
  describe(`Cache: ${name}`, () => {
    let fixture: CacheFixture;
    let cache: Cache;

    beforeEach(async () => {
      fixture = await open();
      cache = fixture.cache;
    });

    afterEach(async () => {
      await cache.close();
      await fixture.cleanUp();
    });

    it('gives back what was set, until its time is up', async () => {
      await cache.set('key', 'välue', MINUTE);
      expect(await cache.get('key')).toBe('välue');
      await fixture.advance(MINUTE - 1 - fixture.slack);
      expect(await cache.get('key')).toBe('välue');
      await fixture.advance(1 + fixture.slack);
      expect(await cache.get('key')).toBeUndefined();
    });

    it('knows nothing of a key that was never set', async () => {
      expect(await cache.get('key')).toBeUndefined();
      expect(await cache.take('key')).toBeUndefined();
    });

    it('tells an empty value from an absent one', async () => {
      await cache.set('key', '', MINUTE);
      expect(await cache.get('key')).toBe('');
    });

    it('replaces the value and the time to live', async () => {
      await cache.set('key', 'first', MINUTE);
      await cache.set('key', 'second', 5 * MINUTE);
      await fixture.advance(2 * MINUTE);
      expect(await cache.get('key')).toBe('second');
    });

    it('deletes', async () => {
      await cache.set('key', 'value', MINUTE);
      await cache.delete('key');
      await cache.delete('key');
      expect(await cache.get('key')).toBeUndefined();
    });

    it('gives a value to one taker only', async () => {
      await cache.set('key', 'value', MINUTE);
      const taken = await Promise.all(Array.from({ length: 20 }, () => cache.take('key')));
      expect(taken.filter((value) => value !== undefined)).toEqual(['value']);
      expect(await cache.get('key')).toBeUndefined();
    });

    it('does not let an expired value be taken', async () => {
      await cache.set('key', 'value', MINUTE);
      await fixture.advance(MINUTE);
      expect(await cache.take('key')).toBeUndefined();
    });

    it('lets a key be consumed once', async () => {
      const consumed = await Promise.all(
        Array.from({ length: 20 }, () => cache.consumeOnce('proof', MINUTE)),
      );
      expect(consumed.filter(Boolean)).toHaveLength(1);
      expect(consumed[0]).toBe(true);
    });

    it('lets a consumed key be consumed again only after its time, which a replay does not extend', async () => {
      expect(await cache.consumeOnce('proof', MINUTE)).toBe(true);
      await fixture.advance(MINUTE - 1 - fixture.slack);
      expect(await cache.consumeOnce('proof', 3_600_000)).toBe(false);
      await fixture.advance(1 + fixture.slack);
      expect(await cache.consumeOnce('proof', MINUTE)).toBe(true);
    });

    it('keeps consumed keys apart from values', async () => {
      expect(await cache.consumeOnce('key', MINUTE)).toBe(true);
      expect(await cache.get('key')).toBeUndefined();
      await cache.delete('key');
      await cache.set('key', 'value', MINUTE);
      expect(await cache.take('key')).toBe('value');
      expect(await cache.consumeOnce('key', MINUTE)).toBe(false);
    });

    it('refuses to say whether something from before its memory was consumed', async () => {
      const now = Math.floor(fixture.now() / 1_000) * 1_000;
      const day = 86_400_000;
      await expect(cache.consumeOnce('old', MINUTE, now - day)).rejects.toMatchObject({
        code: 'unavailable',
      });
      expect(await cache.consumeOnce('new', MINUTE, now + day)).toBe(true);
      expect(await cache.consumeOnce('new', MINUTE, now + day)).toBe(false);
    });

    it('counts without losing one', async () => {
      const counts = await Promise.all(Array.from({ length: 20 }, () => cache.increment('requests', MINUTE)));
      expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
      expect(await cache.get('requests')).toBe('20');
    });

    it('counts in a window that begins with the first call', async () => {
      await cache.increment('requests', MINUTE);
      await fixture.advance(MINUTE - 1 - fixture.slack);
      expect(await cache.increment('requests', MINUTE)).toBe(2);
      await fixture.advance(1 + fixture.slack);
      expect(await cache.increment('requests', MINUTE)).toBe(1);
    });

    it('wakes every listener of the channel and no other', async () => {
      const woken: string[] = [];
      const both = new Promise<void>((resolve) => {
        const note = (name: string) => () => {
          if (woken.push(name) === 2) {
            resolve();
          }
        };
        void cache.onWake('events', note('first'));
        void cache.onWake('events', note('second'));
      });
      await cache.onWake('other', () => woken.push('other'));
      await cache.wake('events');
      await both;
      expect(woken.toSorted()).toEqual(['first', 'second']);
    });

    it('does not wake who has stopped listening', async () => {
      const woken: string[] = [];
      const stop = await cache.onWake('events', () => woken.push('stopped'));
      stop();
      stop();
      await new Promise<void>((resolve) => {
        void cache.onWake('events', resolve).then(() => cache.wake('events'));
      });
      expect(woken).toEqual([]);
    });

    it('keeps keyspaces apart', async () => {
      const login = keyspace(cache, 'login');
      const limits = keyspace(cache, 'limits');
      await login.set('key', 'value', MINUTE);
      await login.consumeOnce('proof', MINUTE);
      expect(await limits.get('key')).toBeUndefined();
      expect(await limits.consumeOnce('proof', MINUTE)).toBe(true);
      expect(await limits.increment('key', MINUTE)).toBe(1);
      expect(await login.take('key')).toBe('value');
      expect(() => keyspace(cache, 'log:in')).toThrowError(expect.objectContaining({ code: 'internal' }));
    });

    it('takes the longest key and value, and refuses longer ones', async () => {
      const key = 'k'.repeat(CACHE_KEY_LENGTH);
      const value = 'v'.repeat(CACHE_VALUE_LENGTH);
      await cache.set(key, value, MINUTE);
      expect(await cache.get(key)).toBe(value);

      const tooLong = { code: 'payload_too_large' };
      await expect(cache.set('key', `${value}v`, MINUTE)).rejects.toMatchObject(tooLong);
      await expect(cache.set(`${key}k`, 'value', MINUTE)).rejects.toMatchObject(tooLong);
      await expect(cache.consumeOnce(`${key}k`, MINUTE)).rejects.toMatchObject(tooLong);
      await expect(cache.increment(`${key}k`, MINUTE)).rejects.toMatchObject(tooLong);
    });

    it.each([0, -1, 0.5, Number.NaN])('refuses a time to live of %s ms', async (ttlMs) => {
      await expect(cache.set('key', 'value', ttlMs)).rejects.toMatchObject({ code: 'internal' });
      await expect(cache.consumeOnce('key', ttlMs)).rejects.toMatchObject({ code: 'internal' });
      await expect(cache.increment('key', ttlMs)).rejects.toMatchObject({ code: 'internal' });
    });

    it('refuses every call once closed', async () => {
      await cache.close();
      const closed = { code: 'unavailable' };
      await expect(cache.get('key')).rejects.toMatchObject(closed);
      await expect(cache.set('key', 'value', 1)).rejects.toMatchObject(closed);
      await expect(cache.consumeOnce('key', 1)).rejects.toMatchObject(closed);
      await expect(cache.wake('events')).rejects.toMatchObject(closed);
    });
  });
}
