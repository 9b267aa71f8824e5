import { expect, vi } from 'vitest';
import { SOON } from './soon.ts';
import { startRedis, type ThrowawayRedis } from './throwaway-redis.ts';

/** A real Redis primary with a replica, and a Sentinel that watches them. */
export interface ThrowawaySentinel {
  /** Of the Sentinel, with the password of the servers. */
  readonly url: string;
  /** What the Sentinel calls the primary. */
  readonly name: string;
  /** The primary dies, and its replica takes over. */
  failOver(): Promise<void>;
  stop(): Promise<void>;
}

const NAME = 'bridge';

export async function startSentinel(): Promise<ThrowawaySentinel> {
  const primary = await startRedis();
  const replica = await startRedis();
  await replica.command('replicaof', '127.0.0.1', String(primary.port));
  const sentinel = await startRedis({ args: ['--sentinel'], settings: watching(primary) });
  await vi.waitFor(
    async () => expect(await sentinel.command('sentinel', 'replicas', NAME)).toHaveLength(1),
    SOON,
  );
  return {
    url: `redis://:${primary.password}@127.0.0.1:${sentinel.port}`,
    name: NAME,
    async failOver() {
      await primary.kill();
      await vi.waitFor(() => sentinel.command('sentinel', 'failover', NAME), SOON);
    },
    async stop() {
      await Promise.all([primary, replica, sentinel].map((server) => server.stop()));
    },
  };
}

const watching = ({ port, password }: ThrowawayRedis) => [
  `sentinel monitor ${NAME} 127.0.0.1 ${port} 1`,
  `sentinel auth-pass ${NAME} ${password}`,
  // It is told to fail over: one that decides by itself would do so when the machine stalls.
  `sentinel down-after-milliseconds ${NAME} 60000`,
  `sentinel failover-timeout ${NAME} 20000`,
];
