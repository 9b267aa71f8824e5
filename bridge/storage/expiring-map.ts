import type { Clock } from '../lib/clock.ts';

/** A sweep looks at every entry, so a full map makes at most one in this time. */
const SWEEP_INTERVAL_MS = 1_000;

interface Entry<V> {
  readonly value: V;
  /** The first ms at which it is gone. */
  readonly expires: number;
}

/** A map whose entries expire, bounded in their number. What is expired is never seen, whether swept or not. */
export class ExpiringMap<V> {
  readonly #entries = new Map<string, Entry<V>>();
  readonly #clock: Clock;
  readonly #limit: number;
  #nextSweep = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
  }

  get(key: string): V | undefined {
    return this.#live(key)?.value;
  }

  /** Puts the entry last in the order of age. Says `false`, and changes nothing, if there is no room for it. */
  set(key: string, value: V, ttlMs: number): boolean {
    if (!this.#entries.has(key) && !this.#hasRoom()) {
      return false;
    }
    this.#entries.delete(key);
    this.#entries.set(key, { value, expires: this.#clock.now() + ttlMs });
    return true;
  }

  /** Another value for a live entry, which keeps its age and its expiry. */
  replace(key: string, value: V): void {
    const entry = this.#live(key);
    if (entry !== undefined) {
      this.#entries.set(key, { value, expires: entry.expires });
    }
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  deleteOldest(): void {
    for (const key of this.#entries.keys()) {
      this.#entries.delete(key);
      return;
    }
  }

  #live(key: string): Entry<V> | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.expires > this.#clock.now() ? entry : undefined;
  }

  #hasRoom(): boolean {
    if (this.#entries.size >= this.#limit) {
      this.#sweep();
    }
    return this.#entries.size < this.#limit;
  }

  #sweep(): void {
    const now = this.#clock.now();
    if (now < this.#nextSweep) {
      return;
    }
    this.#nextSweep = now + SWEEP_INTERVAL_MS;
    for (const [key, entry] of this.#entries) {
      if (entry.expires <= now) {
        this.#entries.delete(key);
      }
    }
  }
}
