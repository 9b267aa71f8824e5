import { CountersignError } from '../../protocol/errors.ts';
import type { Clock } from '../lib/clock.ts';
import { assertEntry, assertRemembered, type Cache } from './cache.ts';
import { ExpiringMap } from './expiring-map.ts';

/**
 * Entries of each kind (values; counts; marks of what was consumed). Typical ones take well under 1 KiB, so a flood costs
 * some 100 MiB, not the process; honest use of one process stays far below. A full cache gives up expired values or counts,
 * then the oldest ones of that kind; marks that have not expired are kept, and what would need another is refused.
 */
export const MEMORY_CACHE_ENTRIES = 100_000;

/**
 * Characters of all keys and values together. Anybody can push authorization requests of some 50 KiB: without this,
 * a hundred thousand of them would end the process.
 */
export const MEMORY_CACHE_CHARACTERS = 96 * 1024 * 1024;

export interface MemoryCacheOptions {
  readonly clock: Clock;
  /** Default: MEMORY_CACHE_ENTRIES. */
  readonly entries?: number;
  /** Default: MEMORY_CACHE_CHARACTERS. */
  readonly characters?: number;
}

/** The Cache port within one process. Every step is atomic because none of them waits. */
export class MemoryCache implements Cache {
  readonly #values: ExpiringMap<string>;
  /** Apart from values: who floods those would otherwise be rid of the counts that stop them. */
  readonly #counts: ExpiringMap<number>;
  readonly #consumed: ExpiringMap<true>;
  readonly #listeners = new Map<string, Set<() => void>>();
  /** What an earlier process consumed is forgotten. It ended in an earlier second: ours took that long to begin. */
  readonly #since: number;
  #closed = false;

  constructor({
    clock,
    entries = MEMORY_CACHE_ENTRIES,
    characters = MEMORY_CACHE_CHARACTERS,
  }: MemoryCacheOptions) {
    this.#since = Math.floor(clock.now() / 1_000) * 1_000;
    this.#values = new ExpiringMap(clock, entries, {
      most: characters,
      of: (key, value) => key.length + value.length,
    });
    this.#counts = new ExpiringMap(clock, entries);
    this.#consumed = new ExpiringMap(clock, entries);
  }

  async get(key: string): Promise<string | undefined> {
    this.#assertOpen();
    return this.#values.get(key) ?? this.#counts.get(key)?.toString();
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    this.#assertOpen();
    assertEntry(key, value, ttlMs);
    this.#counts.delete(key);
    putIn(this.#values, key, value, ttlMs);
  }

  async delete(key: string): Promise<void> {
    this.#assertOpen();
    this.#forget(key);
  }

  async take(key: string): Promise<string | undefined> {
    this.#assertOpen();
    const value = this.#values.get(key) ?? this.#counts.get(key)?.toString();
    this.#forget(key);
    return value;
  }

  async consumeOnce(key: string, ttlMs: number, issuedAt?: number): Promise<boolean> {
    this.#assertOpen();
    assertEntry(key, '', ttlMs);
    if (issuedAt !== undefined) assertRemembered(issuedAt, this.#since);
    if (this.#consumed.get(key)) {
      return false;
    }
    if (!this.#consumed.set(key, true, ttlMs)) {
      throw new CountersignError('unavailable', undefined, {
        cause: new Error('too many marks in the cache'),
      });
    }
    return true;
  }

  async increment(key: string, ttlMs: number): Promise<number> {
    this.#assertOpen();
    assertEntry(key, '', ttlMs);
    if (this.#values.get(key) !== undefined) {
      throw new CountersignError('internal', undefined, { cause: new TypeError('the value is not a count') });
    }
    const current = this.#counts.get(key);
    if (current === undefined) {
      putIn(this.#counts, key, 1, ttlMs);
      return 1;
    }
    this.#counts.replace(key, current + 1);
    return current + 1;
  }

  async onWake(channel: string, listener: () => void): Promise<() => void> {
    this.#assertOpen();
    // a wrapper per call, so that one listener subscribed twice is two subscriptions
    const subscription = () => listener();
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(subscription));
    return () => {
      listeners.delete(subscription);
      if (listeners.size === 0 && this.#listeners.get(channel) === listeners) {
        this.#listeners.delete(channel);
      }
    };
  }

  async wake(channel: string): Promise<void> {
    this.#assertOpen();
    for (const subscription of this.#listeners.get(channel) ?? []) {
      setImmediate(() => {
        if (this.#listeners.get(channel)?.has(subscription)) {
          subscription();
        }
      });
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
  }

  #forget(key: string): void {
    this.#values.delete(key);
    this.#counts.delete(key);
  }

  #assertOpen(): void {
    if (this.#closed) {
      throw new CountersignError('unavailable', 'The cache is closed.');
    }
  }
}

/** Gives up the oldest where there is no room. */
function putIn<V>(map: ExpiringMap<V>, key: string, value: V, ttlMs: number): void {
  while (!map.set(key, value, ttlMs) && map.size > 0) map.deleteOldest();
}
