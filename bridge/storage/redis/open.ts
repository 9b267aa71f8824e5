import { randomUUID } from 'node:crypto';
import { CountersignError } from '../../../protocol/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { assertEntry, assertRemembered, type Cache } from '../cache.ts';
import {
  connect,
  disconnect,
  type RedisClient,
  type RedisConnectionOptions,
  type RedisTopology,
} from './connect.ts';
import { fromFirstConnection, fromRedis } from './errors.ts';
import { CONSUME, INCREMENT } from './scripts.ts';
import { parseRedisUrl } from './target.ts';
import { WakeUps } from './wake-ups.ts';

export interface RedisCacheOptions {
  /** As `parseRedisUrl` takes it; it holds the password. */
  readonly url: string;
  readonly clock: Clock;
  /** Default: one server. */
  readonly topology?: RedisTopology;
  /** PEM; in place of the authorities that Node trusts. */
  readonly caCertificates?: string;
  /** What every key and channel begins with, so that others can use the server too. Default: `countersign:`. */
  readonly prefix?: string;
  /** The longest wait for an answer. Default: 1 s. */
  readonly timeoutMs?: number;
}

export const KEY_PREFIX = 'countersign:';
export const ANSWER_TIMEOUT_MS = 1_000;
const SENTINEL_PORT = 26_379;

/**
 * Opens the cache on Redis (6.2 or newer) or Valkey.
 *
 * @throws `config_invalid` for a wrong URL, a refused login, or a server that would forget marks for lack of room;
 *   `unavailable` if it cannot be reached
 */
export async function openRedisCache(options: RedisCacheOptions): Promise<Cache> {
  const topology = options.topology ?? { kind: 'single' };
  const connection: RedisConnectionOptions = {
    target: parseRedisUrl(options.url, topology.kind === 'sentinel' ? SENTINEL_PORT : undefined),
    topology,
    timeoutMs: options.timeoutMs ?? ANSWER_TIMEOUT_MS,
    ...(options.caCertificates === undefined ? {} : { caCertificates: options.caCertificates }),
  };
  const clients: RedisClient[] = [];
  try {
    const client = await connect(connection);
    clients.push(client);
    await assertKeepsMarks(client);
    const subscriber = await connect(connection);
    clients.push(subscriber);
    const cache = new RedisCache(client, subscriber, options);
    await cache.beginMemory();
    return cache;
  } catch (error) {
    for (const client of clients) disconnect(client);
    throw fromFirstConnection(error);
  }
}

/** A server that evicts keys would let what was consumed be used again. */
async function assertKeepsMarks(client: RedisClient): Promise<void> {
  const nodes = 'nodes' in client ? client.nodes('master') : [client];
  for (const node of nodes) {
    const memory = await node.info('memory');
    const [, limit] = /^maxmemory:(\d+)/m.exec(memory) ?? [];
    const [, policy] = /^maxmemory_policy:([a-z-]+)/m.exec(memory) ?? [];
    if (limit !== '0' && policy !== 'noeviction') {
      throw new CountersignError(
        'config_invalid',
        `The cache gives keys up when its memory is full (maxmemory-policy ${policy}); set it to noeviction: ` +
          'what must not be replayed would be forgotten.',
      );
    }
  }
}

/** The Cache port over a server that all replicas share. */
class RedisCache implements Cache {
  readonly #client: RedisClient;
  readonly #wakeUps: WakeUps;
  readonly #clock: Clock;
  readonly #prefix: string;
  #closed = false;

  constructor(
    client: RedisClient,
    subscriber: RedisClient,
    { clock, prefix = KEY_PREFIX }: RedisCacheOptions,
  ) {
    this.#client = client;
    this.#wakeUps = new WakeUps(subscriber);
    this.#clock = clock;
    this.#prefix = prefix;
  }

  /** A first mark, so that the server's memory does not only begin with the first thing that is consumed. */
  async beginMemory(): Promise<void> {
    await this.consumeOnce(`start:${randomUUID()}`, 1);
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.#call((client) => client.get(this.#valueKey(key)))) ?? undefined;
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    this.#assertOpen();
    assertEntry(key, value, ttlMs);
    await this.#call((client) => client.set(this.#valueKey(key), value, 'PX', ttlMs));
  }

  async delete(key: string): Promise<void> {
    await this.#call((client) => client.del(this.#valueKey(key)));
  }

  async take(key: string): Promise<string | undefined> {
    return (await this.#call((client) => client.getdel(this.#valueKey(key)))) ?? undefined;
  }

  async consumeOnce(key: string, ttlMs: number, issuedAt?: number): Promise<boolean> {
    this.#assertOpen();
    assertEntry(key, '', ttlMs);
    // The braces put all marks of a Cluster on one node, beside the beginning of its memory.
    const keys = [`${this.#prefix}{consumed}:${key}`, `${this.#prefix}{consumed}`];
    const now = wholeSecondAfter(this.#clock.now());
    const answer = await this.#call((client) => client.eval(CONSUME, keys.length, ...keys, ttlMs, now));
    const [first, since] = answer as [number, string];
    if (issuedAt !== undefined) assertRemembered(issuedAt, Number(since));
    return first === 1;
  }

  async increment(key: string, ttlMs: number): Promise<number> {
    this.#assertOpen();
    assertEntry(key, '', ttlMs);
    return this.#call((client) => client.eval(INCREMENT, 1, this.#valueKey(key), ttlMs)) as Promise<number>;
  }

  async onWake(channel: string, listener: () => void): Promise<() => void> {
    this.#assertOpen();
    return this.#wakeUps.listen(this.#channel(channel), listener);
  }

  async wake(channel: string): Promise<void> {
    await this.#call((client) => client.publish(this.#channel(channel), ''));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wakeUps.close();
    disconnect(this.#client);
  }

  #valueKey(key: string): string {
    return `${this.#prefix}value:${key}`;
  }

  #channel(name: string): string {
    return `${this.#prefix}wake:${name}`;
  }

  async #call<T>(work: (client: RedisClient) => Promise<T>): Promise<T> {
    this.#assertOpen();
    try {
      return await work(this.#client);
    } catch (error) {
      throw fromRedis(error);
    }
  }

  #assertOpen(): void {
    if (this.#closed) {
      throw new CountersignError('unavailable', 'The cache is closed.');
    }
  }
}

/** A time of issue names its second: what was issued in the one in which the memory began may have been before it. */
function wholeSecondAfter(ms: number): number {
  return Math.ceil(ms / 1_000) * 1_000;
}
