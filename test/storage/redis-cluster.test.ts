import { Cluster } from 'ioredis';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../bridge/lib/clock.ts';
import type { Cache } from '../../bridge/storage/cache.ts';
import { connect, disconnect } from '../../bridge/storage/redis/connect.ts';
import { openRedisCache } from '../../bridge/storage/redis/open.ts';
import { parseRedisUrl } from '../../bridge/storage/redis/target.ts';
import { SOON } from '../fakes/soon.ts';
import { NO_REDIS } from '../fakes/throwaway-redis.ts';
import { startRedisCluster, type ThrowawayRedisCluster } from '../fakes/throwaway-redis-cluster.ts';

const skipped = NO_REDIS === undefined ? '' : ` (skipped: ${NO_REDIS})`;
const UNAVAILABLE = { code: 'unavailable' };
const MINUTE = 60_000;
/** One of each third of the slots. */
const KEYS = ['d', 'a', 'b'];
const keyOf = (name: string) => `countersign:value:${name}`;
const MARKS = 'countersign:{consumed}';

let cluster: ThrowawayRedisCluster;
const opened: Cache[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((cache) => cache.close()));
  await cluster?.stop();
});

async function open(now = () => systemClock.now()): Promise<Cache> {
  const cache = await openRedisCache({
    ...{ url: cluster.url, topology: { kind: 'cluster' }, timeoutMs: 10_000 },
    clock: { ...systemClock, now },
  });
  opened.push(cache);
  return cache;
}

describe.skipIf(NO_REDIS !== undefined)(`The cache on a Cluster of three primaries${skipped}`, () => {
  it('finds what each of them has', async () => {
    cluster = await startRedisCluster();
    const cache = await open();
    for (const name of KEYS) {
      await cache.set(name, `of ${name}`, MINUTE);
      expect(await cluster.command(keyOf(name), 'get', keyOf(name))).toBe(`of ${name}`);
      expect(await cache.take(name)).toBe(`of ${name}`);
      expect(await cache.increment(`count ${name}`, MINUTE)).toBe(1);
      expect(await cache.consumeOnce(`mark ${name}`, MINUTE)).toBe(true);
      expect(await cache.consumeOnce(`mark ${name}`, MINUTE)).toBe(false);
    }
  });

  it('goes on with the replica of one that dies, and takes no proof from before', async () => {
    cluster = await startRedisCluster();
    await cluster.addReplicas();
    let now = systemClock.now();
    const cache = await open(() => now);
    const issued = now + 1_000;
    expect(await cache.consumeOnce('before', MINUTE, issued)).toBe(true);
    now += MINUTE;
    await cluster.failOver(MARKS);
    await vi.waitFor(() => cache.consumeOnce('works again', MINUTE), SOON);
    await expect(cache.consumeOnce('before', MINUTE, issued)).rejects.toMatchObject(UNAVAILABLE);
    expect(await cache.consumeOnce('after', MINUTE, now + 1_000)).toBe(true);
    expect(await cache.consumeOnce('after', MINUTE, now + 1_000)).toBe(false);
  });

  it('wakes others through whichever of them is left', async () => {
    cluster = await startRedisCluster();
    await cluster.addReplicas();
    const [waker, listener] = [await open(), await open()];
    let woken = 0;
    await listener.onWake('channel', () => {
      woken += 1;
    });
    for (const dies of [undefined, ...KEYS]) {
      if (dies !== undefined) await cluster.failOver(keyOf(dies));
      const before = woken;
      await vi.waitFor(async () => {
        await waker.wake('channel');
        expect(woken).toBeGreaterThan(before);
      }, SOON);
    }
  });

  it('hears of nodes that come later also while nothing is asked, so that all others may go', async () => {
    cluster = await startRedisCluster();
    const target = parseRedisUrl(cluster.url);
    const client = await connect({ target, topology: { kind: 'cluster' }, timeoutMs: 10_000 });
    try {
      await cluster.addReplicas();
      await vi.waitFor(() => expect(client instanceof Cluster && client.nodes('all')).toHaveLength(6), SOON);
      for (const name of KEYS) await cluster.failOver(keyOf(name));
      for (const name of KEYS) await vi.waitFor(() => client.set(keyOf(name), 'value'), SOON);
    } finally {
      disconnect(client);
    }
  });
});
