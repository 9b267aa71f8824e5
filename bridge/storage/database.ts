import type { Kysely, Transaction as KyselyTransaction } from 'kysely';
import { isCountersignError } from '../../protocol/errors.ts';
import type { Tables } from './tables.ts';

/** Reads: `select`s only, by type and by the connection that runs them. */
export type Query = Pick<Kysely<Tables>, 'selectFrom' | 'selectNoFrom' | 'fn' | 'case'>;

/** One open transaction. It is of no use once the work that it was given to has ended. */
export type Transaction = KyselyTransaction<Tables>;

export interface TransactionOptions {
  /**
   * The process goes on with other work while the disk takes the commit. What `work` wrote can be seen some milliseconds before it
   * is on disk, so only for what nobody acts on, or passes on, before a later transaction without this has taken it up
   * (docs/decisions/0042). Default: false; a store that never makes its process wait treats both alike.
   */
  readonly seenBeforeDurable?: boolean;
}

/**
 * The port to the records: one set of queries, two drivers (SQLite; PostgreSQL).
 *
 * Queries keep to what both understand: texts without U+0000, integers within ±(2^53 − 1), bytes as `Uint8Array`,
 * and null. So booleans are 0 and 1, JSON is text, times are integers. Other values are refused, not coerced.
 * "Insert unless it is there" is `onConflict(… doNothing())`, then `numInsertedOrUpdatedRows`.
 *
 * Inside a transaction only the transaction is reachable: `read`, `transaction`, `migrate` and `close` called from
 * its work are refused with `storage_nested`, and that transaction rolls back even if the work goes on.
 *
 * Errors of every method: `storage_full` (nothing of this was stored), `storage_busy` (others held the store for
 * longer than the retries last), `unavailable` (closed), `state_refused` (the store is damaged).
 */
export interface Database {
  readonly dialect: 'sqlite' | 'postgres';

  /**
   * Runs `work` against committed state. Each statement sees what was committed when it ran, so reading something
   * again sees a change in between; whoever needs several reads of one moment takes a transaction.
   */
  read<T>(work: (query: Query) => Promise<T>): Promise<T>;

  /**
   * A number that was answered before only if no transaction has changed anything since, in whichever process, but for
   * the tables that revision.ts leaves out. So what was read after one call still stands at a later call with the same
   * answer. Calls of one turn of the event loop share a look at what other processes committed; where the store cannot
   * tell, they share a new number.
   */
  revision(): Promise<number>;

  /**
   * Runs `work` in a serializable transaction: as if transactions ran one at a time. When this resolves, what `work`
   * wrote is on disk. If `work` throws, nothing is stored and its error is thrown on.
   *
   * It is retried (bounded, with jitter) when others hold the store, so `work` must have no effects outside the
   * transaction. As in PostgreSQL, a statement that fails ends the transaction: work that catches the error and
   * returns is rolled back all the same, and the statement's error thrown.
   */
  transaction<T>(work: (transaction: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;

  /** Brings the schema up to date. A store that this version does not know how to run on is `state_refused`. */
  migrate(): Promise<void>;

  /** Lets running work finish, then closes. Later calls are refused with `unavailable`. */
  close(): Promise<void>;
}

/** The cause of a `conflict` that a unique constraint or primary key raised. */
export class UniqueViolation extends Error {
  override readonly name = 'UniqueViolation';
  readonly table: string;

  constructor(table: string, options?: { cause?: unknown }) {
    super(`a row of ${table} exists already`, options);
    this.table = table;
  }
}

/**
 * Whether `error` says that a row broke a unique constraint or primary key (of `table`, if given). One-time things
 * (assertion ids, request ids, nonces) are consumed that way: the transaction that inserts second fails.
 */
export function isUniqueViolation(error: unknown, table?: keyof Tables): boolean {
  return (
    isCountersignError(error, 'conflict') &&
    error.cause instanceof UniqueViolation &&
    (table === undefined || error.cause.table === table)
  );
}
