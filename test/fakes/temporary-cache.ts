import type { Clock } from '../../bridge/lib/clock.ts';
import type { Cache } from '../../bridge/storage/cache.ts';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import { openRedisCache } from '../../bridge/storage/redis/open.ts';
import { ownKeys } from './store-place.ts';

/** A cache of its own. */
export interface TemporaryCache {
  readonly cache: Cache;
  /** The same as another process has it. In memory there is none: it is the one cache. */
  openAnother(): Promise<Cache>;
  remove(): Promise<void>;
}

/** Machines that tests share stall for longer than a bridge waits. */
export const CACHE_TIMEOUT_MS = 10_000;

/** In memory, or on Redis in the runs of the tests that say so (vitest.config.ts): there times pass as they do. */
export async function temporaryCache(clock: Clock): Promise<TemporaryCache> {
  const keys = process.env.COUNTERSIGN_TEST_STORE === 'postgres' ? ownKeys() : undefined;
  if (keys === undefined) {
    const cache = new MemoryCache({ clock });
    return { cache, openAnother: async () => cache, remove: () => cache.close() };
  }
  const { url, prefix } = keys;
  const opened: Cache[] = [];
  const open = async () => {
    const cache = await openRedisCache({ url, prefix, clock, timeoutMs: CACHE_TIMEOUT_MS });
    opened.push(cache);
    return cache;
  };
  return {
    cache: await open(),
    openAnother: open,
    async remove() {
      await Promise.all(opened.map((cache) => cache.close()));
      await keys.remove();
    },
  };
}
