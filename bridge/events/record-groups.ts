import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { READ_EVENT_GROUP_MS } from '../lib/limits.ts';

/** Entries of one group: keeps its transaction short. */
const GROUP = 500;

interface Waiting<Entry> {
  readonly entry: Entry;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Commits entries in groups: at once when there was none for a while, else no sooner than READ_EVENT_GROUP_MS after
 * the last group, so that many readers share one sync of the disk.
 */
export class RecordGroups<Entry> {
  readonly #commit: (entries: readonly Entry[]) => Promise<void>;
  #waiting: Waiting<Entry>[] = [];
  #running: Promise<void> | undefined;

  /** @param commit - resolves when all of the entries are on disk, rejects when none is */
  constructor(commit: (entries: readonly Entry[]) => Promise<void>) {
    this.#commit = commit;
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
    await nextTurn();
    while (this.#waiting.length > 0) {
      await this.#commitGroup();
      await wait(READ_EVENT_GROUP_MS);
    }
    this.#running = undefined;
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
