import type { Clock } from '../lib/clock.ts';

/** A sweep looks at every entry, so a full map makes at most one in this time. */
const SWEEP_INTERVAL_MS = 1_000;

interface Entry<V> {
  readonly value: V;
  /** The first ms at which it is gone. */
  readonly expires: number;
}

/** How much the entries of a map may weigh together. */
export interface WeightLimit<V> {
  readonly most: number;
  readonly of: (key: string, value: V) => number;
}

/**
 * A map whose entries expire, bounded in their number, and in their weight where one is given. What is expired is
 * never seen, whether swept or not.
 */
export class ExpiringMap<V> {
  readonly #entries = new Map<string, Entry<V>>();
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #weightLimit: WeightLimit<V> | undefined;
  #weight = 0;
  #nextSweep = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, limit: number, weight?: WeightLimit<V>) {
    this.#clock = clock;
    this.#limit = limit;
    this.#weightLimit = weight;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    return this.#live(key)?.value;
  }

  /** Puts the entry last in the order of age. Says `false`, and changes nothing, if there is no room for it. */
  set(key: string, value: V, ttlMs: number): boolean {
    if (!this.#hasRoom(key, value)) {
      return false;
    }
    this.delete(key);
    this.#put(key, { value, expires: this.#clock.now() + ttlMs });
    return true;
  }

  /** Another value for a live entry, which keeps its age and its expiry. */
  replace(key: string, value: V): void {
    const entry = this.#live(key);
    if (entry !== undefined) {
      this.#weight -= this.#weigh(key, entry.value);
      this.#put(key, { value, expires: entry.expires });
    }
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#weight -= this.#weigh(key, entry.value);
  }

  deleteOldest(): void {
    for (const key of this.#entries.keys()) {
      this.delete(key);
      return;
    }
  }

  #put(key: string, entry: Entry<V>): void {
    this.#entries.set(key, entry);
    this.#weight += this.#weigh(key, entry.value);
  }

  #weigh(key: string, value: V): number {
    return this.#weightLimit?.of(key, value) ?? 0;
  }

  #live(key: string): Entry<V> | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.expires > this.#clock.now() ? entry : undefined;
  }

  #hasRoom(key: string, value: V): boolean {
    if (this.#fits(key, value)) return true;
    this.#sweep();
    return this.#fits(key, value);
  }

  #fits(key: string, value: V): boolean {
    const before = this.#entries.get(key);
    const entries = this.#entries.size + (before === undefined ? 1 : 0);
    const freed = before === undefined ? 0 : this.#weigh(key, before.value);
    const weight = this.#weight - freed + this.#weigh(key, value);
    return entries <= this.#limit && weight <= (this.#weightLimit?.most ?? Number.POSITIVE_INFINITY);
  }

  #sweep(): void {
    const now = this.#clock.now();
    if (now < this.#nextSweep) {
      return;
    }
    this.#nextSweep = now + SWEEP_INTERVAL_MS;
    for (const [key, entry] of this.#entries) {
      if (entry.expires <= now) {
        this.delete(key);
      }
    }
  }
}
