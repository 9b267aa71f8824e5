import { systemClock } from '../../bridge/lib/clock.ts';
import { openRedisCache } from '../../bridge/storage/redis/open.ts';
import { type CompanyStores, embeddedStores } from '../../demo/stage/company-stores.ts';
import { type KeyPlace, ownKeys, ownSchema } from './store-place.ts';
import { CACHE_TIMEOUT_MS } from './temporary-cache.ts';

/**
 * The stores of one bridge, as its configuration names them: embedded, or PostgreSQL and Redis in the run of the tests
 * that says so (vitest.config.ts).
 */
export async function configuredStores(): Promise<CompanyStores> {
  if (process.env.COUNTERSIGN_TEST_STORE !== 'postgres') return embeddedStores();
  const [records, shared] = [await ownSchema(), ownKeys()];
  if (shared !== undefined) await beginMemory(shared);
  return {
    settings: {
      storage: { driver: 'postgres', url: { file: './store-url' } },
      ...(shared === undefined
        ? {}
        : {
            cache: {
              driver: 'redis',
              url: { file: './cache-url' },
              prefix: shared.prefix,
              timeout_ms: CACHE_TIMEOUT_MS,
            },
          }),
    },
    files: { 'store-url': records.reach, ...(shared === undefined ? {} : { 'cache-url': shared.url }) },
    async remove() {
      await Promise.all([records.remove(), shared?.remove()]);
    },
  };
}

/**
 * As of a server that has run for a while: in the first second of its memory proofs are refused, and a bridge whose machine
 * is fast is asked in it.
 */
async function beginMemory({ url, prefix }: KeyPlace): Promise<void> {
  const aMinuteAgo = { ...systemClock, now: () => systemClock.now() - 60_000 };
  await (await openRedisCache({ url, prefix, clock: aMinuteAgo, timeoutMs: CACHE_TIMEOUT_MS })).close();
}
