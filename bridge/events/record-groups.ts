import { setImmediate as nextTurn } from 'node:timers/promises';
import { READ_EVENT_GROUP_MS } from '../lib/limits.ts';

/** Entries of one group: keeps its transaction short. */
const GROUP = 500;

interface Waiting<Entry> {
  readonly entry: Entry;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Commits entries in groups, one after the other: what comes in while the disk takes a group is the next one, together
 * with what the event loop is just about to bring. So a single reader hardly waits, and many share one sync.
 */
export class RecordGroups<Entry> {
  readonly #commit: (entries: readonly Entry[]) => Promise<void>;
  readonly #gatherMs: number;
  #waiting: Waiting<Entry>[] = [];
  #running: Promise<void> | undefined;

  /**
   * @param commit - resolves when all of the entries are on disk, rejects when none is
   * @param gatherMs - the longest that a group is gathered
   */
  constructor(commit: (entries: readonly Entry[]) => Promise<void>, gatherMs = READ_EVENT_GROUP_MS) {
    this.#commit = commit;
    this.#gatherMs = gatherMs;
  }

  /** Resolves when the entry is on disk; rejects with the error of its group. */
  add(entry: Entry): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#gather();
      await this.#commitGroup();
    }
    this.#running = undefined;
  }

  /** Until a turn of the event loop brings nothing more, within bounds. */
  async #gather(): Promise<void> {
    const until = performance.now() + this.#gatherMs;
    for (let seen = 0; seen < this.#waiting.length && performance.now() < until; ) {
      seen = this.#waiting.length;
      await nextTurn();
    }
  }

  async #commitGroup(): Promise<void> {
    const group = this.#waiting.splice(0, GROUP);
    try {
      await this.#commit(group.map(({ entry }) => entry));
    } catch (error) {
      for (const { reject } of group) reject(error);
      return;
    }
    for (const { resolve } of group) resolve();
  }
}
