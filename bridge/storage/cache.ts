import { CountersignError } from '../../protocol/errors.ts';

/**
 * The port to fast shared state: login state, replay marks of seconds, rate limits, answers, wake-ups. In one process
 * it is memory, between replicas Redis or Valkey. It may lose anything at any time: what must never be replayed is
 * consumed in the database.
 *
 * Keys (up to 512 characters) and values (up to 64 Ki characters) are text; longer ones are `payload_too_large`. Keys
 * that an attacker chooses the length of are hashed by the caller. Times to live are whole milliseconds above 0.
 * Every method may fail with `unavailable`: the caller then refuses, it does not let pass.
 */
export interface Keyspace {
  /** `undefined`: never set, expired, or lost. */
  get(key: string): Promise<string | undefined>;

  /** Replaces what is there, with its time to live. */
  set(key: string, value: string, ttlMs: number): Promise<void>;

  delete(key: string): Promise<void>;

  /** Gets and deletes in one step: of two callers, one gets it. */
  take(key: string): Promise<string | undefined>;

  /**
   * `true` for the first caller within the time to live, `false` for every other. These keys are apart from those of
   * `set`: nothing else reads or deletes them, and they are never given up for lack of room before their time.
   *
   * A cache that was restarted, emptied or replaced by its replica may have forgotten marks. Whoever says when the
   * thing was issued (ms since the epoch, a whole second) gets `unavailable` for one that is older than the cache's
   * memory, since it may have been consumed before (PROTOCOL §12).
   */
  consumeOnce(key: string, ttlMs: number, issuedAt?: number): Promise<boolean>;

  /** Counts from 1. The time to live is that of the first call: a fixed window. `get` reads the count. */
  increment(key: string, ttlMs: number): Promise<number>;

  /**
   * Calls `listener` after each `wake` of the channel, in this process or another, until the returned function is
   * called. A wake is a hint that may be lost or doubled: look at the state, and look now and then without one.
   */
  onWake(channel: string, listener: () => void): Promise<() => void>;

  /** Resolves before the listeners have run. */
  wake(channel: string): Promise<void>;
}

export interface Cache extends Keyspace {
  /** Drops the listeners. Later calls are refused with `unavailable`. */
  close(): Promise<void>;
}

export const CACHE_KEY_LENGTH = 512;
export const CACHE_VALUE_LENGTH = 64 * 1024;

/** The part of `cache` under `name` (lower case, digits, hyphens): contexts cannot meet in a key by chance. */
export function keyspace(cache: Keyspace, name: string): Keyspace {
  if (!/^[a-z0-9-]+$/.test(name)) {
    throw new CountersignError('internal', undefined, {
      cause: new Error(`'${name}' cannot name a keyspace`),
    });
  }
  const key = (rest: string) => `${name}:${rest}`;
  return {
    get: (rest) => cache.get(key(rest)),
    set: (rest, value, ttlMs) => cache.set(key(rest), value, ttlMs),
    delete: (rest) => cache.delete(key(rest)),
    take: (rest) => cache.take(key(rest)),
    consumeOnce: (rest, ttlMs, issuedAt) => cache.consumeOnce(key(rest), ttlMs, issuedAt),
    increment: (rest, ttlMs) => cache.increment(key(rest), ttlMs),
    onWake: (channel, listener) => cache.onWake(key(channel), listener),
    wake: (channel) => cache.wake(key(channel)),
  };
}

/** @throws `payload_too_large`; `internal` for a time to live that is none. For implementations. */
export function assertEntry(key: string, value: string, ttlMs: number): void {
  if (key.length > CACHE_KEY_LENGTH || value.length > CACHE_VALUE_LENGTH) {
    throw new CountersignError('payload_too_large', 'A value is too long to keep.');
  }
  if (!Number.isSafeInteger(ttlMs) || ttlMs <= 0) {
    throw new CountersignError('internal', undefined, {
      cause: new RangeError(`a time to live of ${ttlMs}`),
    });
  }
}

/** @throws `unavailable` for what may have been consumed in a time that the cache does not remember. */
export function assertRemembered(issuedAt: number, since: number): void {
  if (issuedAt < since) {
    throw new CountersignError(
      'unavailable',
      'This was issued before the bridge began to remember what was used; send a new one.',
    );
  }
}
