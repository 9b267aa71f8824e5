import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe } from 'vitest';
import { systemClock } from '../../bridge/lib/clock.ts';
import { openRedisCache } from '../../bridge/storage/redis/open.ts';
import { describeCache } from '../contract/cache.ts';
import { ageKeys } from '../fakes/aged-keys.ts';
import { NO_REDIS, startRedis, type ThrowawayRedis } from '../fakes/throwaway-redis.ts';

let server: ThrowawayRedis;

describe.skipIf(NO_REDIS !== undefined)(`On Redis${NO_REDIS ? ` (skipped: ${NO_REDIS})` : ''}`, () => {
  beforeAll(async () => {
    server = await startRedis();
  });

  afterAll(async () => {
    await server.stop();
  });

  describeCache('Redis', async () => {
    const prefix = `${randomBytes(6).toString('hex')}:`;
    return {
      cache: await openRedisCache({ url: server.url, clock: systemClock, prefix, timeoutMs: 10_000 }),
      advance: (ms) => ageKeys(server.url, prefix, ms),
      now: () => systemClock.now(),
      slack: 59_000,
      cleanUp: async () => {},
    };
  });
});
