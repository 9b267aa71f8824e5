import { setTimeout as wait } from 'node:timers/promises';
import { isCountersignError } from '../../protocol/errors.ts';
import { type Loop, startLoop } from '../lib/background.ts';
import { SEQUENCER_BATCH, SEQUENCER_INTERVAL_MS } from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import type { Keyspace } from '../storage/cache.ts';
import type { Database, Query, Transaction } from '../storage/database.ts';
import { type LogHead, moveHead, takeHead } from './log-heads.ts';

/** What the sequencer must know about one log. */
export interface SequencedLog<Row> {
  readonly log: 'events' | 'keys';
  /** The hash of the empty log. */
  readonly genesis: string;

  /** Up to `limit` committed rows without a position, in the order in which they shall get one. */
  staged(query: Query, limit: number): Promise<Row[]>;

  /**
   * Gives `rows` the places behind `head`, in their order, and answers the hash of the new head. Must refuse
   * (`conflict`) a row that has a place already.
   */
  place(tx: Transaction, rows: readonly Row[], head: LogHead): Promise<string>;
}

export interface Sequencer<Row> {
  /**
   * Looks for staged rows now. May be called inside the transaction that stages them, and when not started. A wake
   * that comes too early, or is lost, only delays.
   */
  wake(): void;
  start(): void;
  /** Resolves when what was staged before has its place, or after the error that prevents it was logged. */
  stop(): Promise<void>;
  /** Resolves when what was staged before the call has its place. Throws what the database throws. */
  settled(): Promise<void>;
  /** Calls `listener` after rows got their places: with them, or without where another process did it. */
  onPublished(listener: (rows: readonly Row[]) => void): void;
}

export interface SequencerDeps {
  readonly database: Database;
  readonly logger: Logger;
  /** Tells other replicas of what was published; the store alone holds the truth. */
  readonly cache?: Keyspace | undefined;
}

/**
 * The one engine of the key log and the event log: transaction 2 of PROTOCOL §8.
 *
 * Rows are committed without a position, because a number taken inside transaction 1 shows up out of order: 8 may be
 * visible before 7, and a reader that went on from 8 would skip 7 for good. Here a position is given only to rows
 * that are visible already, and the head moves from (size, hash) to the next by compare-and-swap in the same
 * transaction. So a reader that has seen position n has seen all before it, and of two sequencers one is rolled back.
 *
 * In which order two rows stand that were staged at the same time does not matter: neither transaction saw the other.
 * A transaction that did see the other is behind it, unless both wait at once and the clocks of two replicas differ;
 * a log for which that matters says so in its `staged`. Nothing is lost by a crash: what is staged is on disk.
 */
export function createSequencer<Row>(deps: SequencerDeps, log: SequencedLog<Row>): Sequencer<Row> {
  return new LogSequencer(deps, log);
}

/** After a wake that finds nothing: the transaction that woke us may not have ended yet. */
const SECOND_LOOKS_MS = [1, 2, 4, 8, 16, 32];

/** Losing a race means that somebody else made progress; so many in a row mean that something is wrong. */
const RACES = 100;

class LogSequencer<Row> implements Sequencer<Row> {
  readonly #deps: SequencerDeps;
  readonly #log: SequencedLog<Row>;
  readonly #listeners: ((rows: readonly Row[]) => void)[] = [];
  readonly #channel: string;
  #loop: Loop | undefined;
  #woken = false;
  #unsubscribe: Promise<() => void> | undefined;

  constructor(deps: SequencerDeps, log: SequencedLog<Row>) {
    this.#deps = deps;
    this.#log = log;
    this.#channel = `published-${log.log}`;
  }

  wake(): void {
    this.#woken = true;
    this.#loop?.wake();
  }

  start(): void {
    const { logger } = this.#deps;
    this.#loop ??= startLoop(
      `sequence-${this.#log.log}`,
      SEQUENCER_INTERVAL_MS,
      (signal) => this.#run(signal),
      {
        logger,
      },
    );
    this.#unsubscribe ??= this.#listenToOthers();
  }

  async stop(): Promise<void> {
    await this.#loop?.stop();
    this.#loop = undefined;
    const unsubscribe = await this.#unsubscribe;
    unsubscribe?.();
    this.#unsubscribe = undefined;
    try {
      await this.settled();
    } catch (err) {
      this.#deps.logger.error({ err, log: this.#log.log }, 'staged entries wait for the next start');
    }
  }

  async settled(): Promise<void> {
    while (await this.#sequenceBatch()) {
      // until nothing is left
    }
  }

  onPublished(listener: (rows: readonly Row[]) => void): void {
    this.#listeners.push(listener);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const looks = this.#woken ? SECOND_LOOKS_MS : [];
    this.#woken = false;
    for (const pause of [0, ...looks]) {
      if (pause > 0) await wait(pause);
      if (signal.aborted) return;
      if (await this.#sequenceBatch()) {
        await this.settled();
        return;
      }
    }
  }

  /** Whether there was anything. */
  async #sequenceBatch(): Promise<boolean> {
    if (!(await this.#mayBeStaged())) return false;
    const rows = await this.#placeBatch();
    if (rows.length === 0) return false;
    this.#tell(rows);
    await this.#tellOthers();
    return true;
  }

  /**
   * SQLite has one writer: a transaction even to look, because it queues behind the one that woke us. PostgreSQL does
   * not queue, and most looks find nothing: there a read is enough, and spares a transaction.
   */
  async #mayBeStaged(): Promise<boolean> {
    const { database } = this.#deps;
    if (database.dialect === 'sqlite') return true;
    return (await database.read((query) => this.#log.staged(query, 1))).length > 0;
  }

  async #placeBatch(): Promise<readonly Row[]> {
    for (let races = 1; ; races++) {
      try {
        return await this.#deps.database.transaction((tx) => placeStaged(tx, this.#log));
      } catch (error) {
        if (races === RACES || !isCountersignError(error, 'conflict')) throw error;
      }
    }
  }

  #tell(rows: readonly Row[]): void {
    for (const listener of this.#listeners) {
      try {
        listener(rows);
      } catch (err) {
        this.#deps.logger.error({ err, log: this.#log.log }, 'a listener of the log failed');
      }
    }
  }

  async #tellOthers(): Promise<void> {
    try {
      await this.#deps.cache?.wake(this.#channel);
    } catch (err) {
      this.#deps.logger.warn({ err, log: this.#log.log }, 'other replicas were not told of new entries');
    }
  }

  async #listenToOthers(): Promise<() => void> {
    const nothing = () => {};
    try {
      return (await this.#deps.cache?.onWake(this.#channel, () => this.#tell([]))) ?? nothing;
    } catch (err) {
      this.#deps.logger.warn({ err, log: this.#log.log }, 'other replicas’ entries are only polled for');
      return nothing;
    }
  }
}

async function placeStaged<Row>(tx: Transaction, log: SequencedLog<Row>): Promise<Row[]> {
  const rows = await log.staged(tx, SEQUENCER_BATCH);
  if (rows.length === 0) return rows;
  const head = await takeHead(tx, log.log, log.genesis);
  const hash = await log.place(tx, rows, head);
  await moveHead(tx, log.log, head, { size: head.size + rows.length, hash });
  return rows;
}
