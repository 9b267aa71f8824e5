import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe } from 'vitest';
import { systemClock } from '../../bridge/lib/clock.ts';
import { openRedisCache } from '../../bridge/storage/redis/open.ts';
import { describeCache } from '../contract/cache.ts';
import { NO_REDIS, startRedis, type ThrowawayRedis } from '../fakes/throwaway-redis.ts';

/** Takes time from every key of a prefix, as if it had passed. */
const AGE = `
  local keys = redis.call('KEYS', ARGV[1] .. '*')
  for _, key in ipairs(keys) do
    local left = redis.call('PTTL', key)
    if left >= 0 then redis.call('PEXPIRE', key, left - ARGV[2]) end
  end`;

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
      advance: async (ms) => {
        await server.command('eval', AGE, '0', prefix, String(ms));
      },
      now: () => systemClock.now(),
      slack: 59_000,
      cleanUp: async () => {},
    };
  });
});
