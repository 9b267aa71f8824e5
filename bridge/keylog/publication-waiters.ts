import { CountersignError } from '../../protocol/errors.ts';
import { SEQUENCER_INTERVAL_MS } from '../lib/limits.ts';
import type { LoggedVersion } from './key-log.ts';

type VersionName = Pick<LoggedVersion, 'kind' | 'name' | 'version'>;

/** The sequencer takes milliseconds; a client does not wait longer than this for an answer. */
const LONGEST_WAIT_MS = 10_000;

interface Waiter {
  readonly version: VersionName;
  resolve(size?: number): void;
  reject(error: unknown): void;
}

/** Those who wait for versions to be published, by this process's sequencer or by another one's. */
export class PublicationWaiters {
  readonly #isPublished: (version: VersionName) => Promise<boolean>;
  readonly #waiting = new Map<string, Set<Waiter>>();
  #poll: NodeJS.Timeout | undefined;

  constructor(isPublished: (version: VersionName) => Promise<boolean>) {
    this.#isPublished = isPublished;
  }

  /**
   * Resolves once the version is published; rejects with `unavailable` after LONGEST_WAIT_MS. Answers the size that the
   * log has with it, where it was published meanwhile and by this process.
   */
  async wait(version: VersionName): Promise<number | undefined> {
    const { waiter, done } = this.#enter(version);
    const tooLate = setTimeout(() => {
      waiter.reject(new CountersignError('unavailable', 'The entry is stored, but not published yet.'));
    }, LONGEST_WAIT_MS);
    try {
      // only now: what is published from here on is told to the waiter
      return (await this.#isPublished(version)) ? undefined : await done;
    } finally {
      clearTimeout(tooLate);
      this.#leave(waiter);
    }
  }

  /** Tells who waits for these that they are in a log of this size. None: another process published something, so look. */
  published(versions: readonly VersionName[], size: number): void {
    if (versions.length === 0) {
      void this.#look();
      return;
    }
    for (const version of versions) {
      for (const waiter of this.#waiting.get(keyOf(version)) ?? []) waiter.resolve(size);
    }
  }

  #enter(version: VersionName): { waiter: Waiter; done: Promise<number | undefined> } {
    const { promise, resolve, reject } = withResolvers();
    const waiter = { version, resolve, reject };
    const waiting = this.#waiting.get(keyOf(version)) ?? new Set();
    this.#waiting.set(keyOf(version), waiting.add(waiter));
    this.#poll ??= setInterval(() => void this.#look(), SEQUENCER_INTERVAL_MS);
    return { waiter, done: promise };
  }

  #leave(waiter: Waiter): void {
    const key = keyOf(waiter.version);
    const waiting = this.#waiting.get(key);
    waiting?.delete(waiter);
    if (waiting?.size === 0) this.#waiting.delete(key);
    if (this.#waiting.size > 0) return;
    clearInterval(this.#poll);
    this.#poll = undefined;
  }

  async #look(): Promise<void> {
    for (const waiters of [...this.#waiting.values()]) {
      const [first] = waiters;
      if (first === undefined) continue;
      try {
        if (!(await this.#isPublished(first.version))) continue;
        for (const waiter of waiters) waiter.resolve();
      } catch (error) {
        for (const waiter of waiters) waiter.reject(error);
      }
    }
  }
}

function keyOf({ kind, name, version }: VersionName): string {
  return JSON.stringify([kind, name, version]);
}

function withResolvers(): {
  promise: Promise<number | undefined>;
  resolve: (size?: number) => void;
  reject: (error: unknown) => void;
} {
  let resolve: (size?: number) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<number | undefined>((fulfil, fail) => {
    resolve = fulfil;
    reject = fail;
  });
  // who looked and found it published does not await this one
  promise.catch(() => {});
  return { promise, resolve, reject };
}
