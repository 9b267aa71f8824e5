import { isCountersignError } from '../../protocol/errors.ts';
import { type Loop, startLoop } from '../lib/background.ts';
import { createBell } from '../lib/bell.ts';
import { SEQUENCER_BATCH, SEQUENCER_INTERVAL_MS } from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import type { Keyspace } from '../storage/cache.ts';
import type { Database, Query, Transaction } from '../storage/database.ts';
import { type LogHead, type LogName, moveHead, readHead, takeHead } from './log-heads.ts';

/** What the sequencer must know about one log. */
export interface SequencedLog<Row> {
  readonly log: LogName;
  /** The hash of the empty log. */
  readonly genesis: string;
  /** Rows that one transaction takes at most: SEQUENCER_BATCH unless it says otherwise. */
  readonly batch?: number;
  /**
   * Milliseconds from one transaction to the next, so that what comes in meanwhile shares one. After a longer pause
   * there is no wait, nor once `enough` rows share it, nor at a stop. Default: 0.
   */
  readonly minInterval?: number;
  /** Default: a full batch. */
  readonly enough?: number;

  /** Up to `limit` committed rows without a position, in the order in which they shall get one. */
  staged(query: Query, limit: number): Promise<Row[]>;

  /**
   * Computes what `place` needs and what takes too long for a transaction. It is called early and again for rows that
   * wait, so it must remember what it has. Answers those of them that are ready, from the first on: `place` is called
   * with no others.
   */
  prepare?(rows: readonly Row[]): Promise<readonly Row[]>;

  /**
   * Puts what `rows` say behind `head`, in their order, and answers the new head. How many entries that makes is its
   * own matter. Must refuse (`conflict`) a row that has a place already, or is there no more.
   */
  place(tx: Transaction, rows: readonly Row[], head: LogHead): Promise<LogHead>;

  /**
   * Makes public what is committed: called behind each transaction, before listeners are told, and at each look, so
   * that what a crash or an error left undone is made up for. Answers whether anything became public. While it throws,
   * nothing is placed.
   */
  publish?(): Promise<boolean>;
}

export interface Sequencer<Row> {
  /**
   * Looks for staged rows now: for after the commit of the transaction that stages them. May be called when not started.
   * A wake that comes too early, or is lost, only delays.
   */
  wake(): void;
  start(): void;
  /** Resolves when what was staged before has its place, or after the error that prevents it was logged. */
  stop(): Promise<void>;
  /** Resolves when what was staged before the call has its place. Throws what the database throws. */
  settled(): Promise<void>;
  /** Why the last look failed; `undefined` after one that went well. */
  readonly failure: unknown;
  /**
   * Calls `listener` after rows got their places: with them, in their order, and the size of the log with them; with none
   * where another process did it.
   */
  onPublished(listener: Published<Row>): void;
}

export type Published<Row> = (rows: readonly Row[], size: number | undefined) => void;

export interface SequencerDeps {
  readonly database: Database;
  readonly logger: Logger;
  /** Tells other replicas of what was published; the store alone holds the truth. */
  readonly cache?: Keyspace | undefined;
  /** Milliseconds between looks that nobody asked for: SEQUENCER_INTERVAL_MS unless it is given. */
  readonly intervalMs?: number;
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

/** Losing a race means that somebody else made progress; so many in a row mean that something is wrong. */
const RACES = 100;

/** What one transaction placed, and the size of the log behind it. */
interface Placed<Row> {
  readonly rows: readonly Row[];
  readonly size: number | undefined;
}

const NOTHING = { rows: [], size: undefined } as const;

class LogSequencer<Row> implements Sequencer<Row> {
  readonly #deps: SequencerDeps;
  readonly #log: SequencedLog<Row>;
  readonly #listeners: Published<Row>[] = [];
  readonly #channel: string;
  readonly #bell = createBell();
  #loop: Loop | undefined;
  #failure: unknown;
  /** Size of the log behind what its listeners were told last. */
  #told: number | undefined;
  /** Not before this, by the process's own clock, does the next transaction begin. */
  #due = 0;
  #unsubscribe: Promise<() => void> | undefined;

  constructor(deps: SequencerDeps, log: SequencedLog<Row>) {
    this.#deps = deps;
    this.#log = log;
    this.#channel = `published-${log.log}`;
  }

  get failure(): unknown {
    return this.#failure;
  }

  wake(): void {
    this.#bell.ring();
    this.#loop?.wake();
  }

  start(): void {
    const { logger, intervalMs = SEQUENCER_INTERVAL_MS } = this.#deps;
    this.#loop ??= startLoop(
      `sequence-${this.#log.log}`,
      intervalMs,
      (signal) => this.#runAndRemember(signal),
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
    await this.#publishLeftover();
    while (await this.#sequenceBatch()) {
      // until nothing is left
    }
  }

  onPublished(listener: Published<Row>): void {
    this.#listeners.push(listener);
  }

  async #runAndRemember(signal: AbortSignal): Promise<void> {
    try {
      await this.#run(signal);
      this.#failure = undefined;
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    await this.#publishLeftover();
    while (!signal.aborted && (await this.#sequenceBatch(signal))) {
      // until nothing is left
    }
  }

  /** What another process, or this one before it was killed, has committed and not made public. */
  async #publishLeftover(): Promise<void> {
    if (await this.#log.publish?.()) this.#tell(NOTHING);
  }

  /** Whether there was anything. With a signal it keeps the interval, until that is aborted. */
  async #sequenceBatch(signal?: AbortSignal): Promise<boolean> {
    const { prepare, minInterval } = this.#log;
    const looksFirst = prepare !== undefined || minInterval !== undefined;
    const placed = looksFirst ? await this.#placePrepared(signal) : await this.#placeAtOnce();
    if (placed.rows.length === 0) return false;
    await this.#log.publish?.();
    this.#tell(placed);
    await this.#tellOthers();
    return true;
  }

  /** Looks and places in one transaction: nothing is to be done in between. */
  async #placeAtOnce(): Promise<Placed<Row>> {
    if (!(await this.#mayBeStaged())) return NOTHING;
    const { database } = this.#deps;
    return racing(() => database.transaction(async (tx) => this.#place(tx, await this.#staged(tx))));
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

  async #placePrepared(signal: AbortSignal | undefined): Promise<Placed<Row>> {
    return racing(async () => {
      const rows = await this.#gather(signal);
      const { database } = this.#deps;
      if (rows.length === 0) return NOTHING;
      this.#due = performance.now() + (this.#log.minInterval ?? 0);
      return database.transaction((tx) => this.#place(tx, rows));
    });
  }

  /** What is staged once the interval is over, prepared; what comes in until then is prepared as it comes. */
  async #gather(signal: AbortSignal | undefined): Promise<readonly Row[]> {
    for (;;) {
      const { rings } = this.#bell;
      const staged = await this.#look();
      if (staged.length === 0) return staged;
      const rows = (await this.#log.prepare?.(staged)) ?? staged;
      const left = this.#due - performance.now();
      if (left <= 0 || rows.length >= (this.#log.enough ?? this.#batch)) return rows;
      if (signal === undefined || signal.aborted) return rows;
      await this.#bell.wait(rings, left, signal);
    }
  }

  /** As #mayBeStaged has it. */
  #look(): Promise<readonly Row[]> {
    const { database } = this.#deps;
    if (database.dialect === 'sqlite') return database.transaction((tx) => this.#staged(tx));
    return database.read((query) => this.#staged(query));
  }

  #staged(query: Query): Promise<readonly Row[]> {
    return this.#log.staged(query, this.#batch);
  }

  get #batch(): number {
    return this.#log.batch ?? SEQUENCER_BATCH;
  }

  async #place(tx: Transaction, rows: readonly Row[]): Promise<Placed<Row>> {
    if (rows.length === 0) return NOTHING;
    const { log, genesis } = this.#log;
    const head = await takeHead(tx, log, genesis);
    const end = await this.#log.place(tx, rows, head);
    await moveHead(tx, log, head, end);
    return { rows, size: end.size };
  }

  #tell({ rows, size }: Placed<Row>): void {
    this.#told = size ?? this.#told;
    for (const listener of this.#listeners) {
      try {
        listener(rows, size);
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

  /** Another process has placed something: what we keep of the newest head is to follow. Mostly we hear ourselves. */
  async #hear(): Promise<void> {
    if (this.#log.publish !== undefined) this.#loop?.wake();
    else if (await this.#hasToldAll()) return;
    this.#tell(NOTHING);
  }

  async #hasToldAll(): Promise<boolean> {
    try {
      const head = await this.#deps.database.read((query) => readHead(query, this.#log.log));
      return head?.size === this.#told;
    } catch (err) {
      this.#deps.logger.warn({ err, log: this.#log.log }, 'the newest entry could not be read');
      return false;
    }
  }

  async #listenToOthers(): Promise<() => void> {
    const nothing = () => {};
    try {
      return (await this.#deps.cache?.onWake(this.#channel, () => void this.#hear())) ?? nothing;
    } catch (err) {
      this.#deps.logger.warn({ err, log: this.#log.log }, 'other replicas’ entries are only polled for');
      return nothing;
    }
  }
}

/** Again for as long as another sequencer was faster. */
async function racing<T>(attempt: () => Promise<T>): Promise<T> {
  for (let races = 1; ; races++) {
    try {
      return await attempt();
    } catch (error) {
      if (races === RACES || !isCountersignError(error, 'conflict')) throw error;
    }
  }
}
