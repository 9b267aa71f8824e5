import {
  type CompiledQuery,
  type Dialect,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import {
  fault,
  type Grammar,
  type LentConnection,
  type RunTransaction,
  readingDialect,
  refuseStream,
  transactions,
} from '../driver.ts';
import { type Pause, retryWhileBusy } from '../retry.ts';
import { revises } from '../revision.ts';
import type { Handle, Synchronous } from './handle.ts';

const GRAMMAR: Grammar = {
  createQueryCompiler: () => new SqliteQueryCompiler(),
  createAdapter: () => new SqliteAdapter(),
  createIntrospector: (kysely) => new SqliteIntrospector(kysely),
};

/**
 * Transactions on one connection, one at a time: the caller sees to the order.
 *
 * @param synchronous - what their commits wait for
 * @param revised - called as soon as a transaction that may have changed what counts can be seen by readers
 */
export function writer(handle: Handle, synchronous: Synchronous, revised: () => void): RunTransaction {
  return transactions(GRAMMAR, async () => new TransactionConnection(handle, synchronous, revised));
}

/** Kysely over a connection that only reads. */
export function readerDialect(handle: Handle, pause: Pause): Dialect {
  return readingDialect(GRAMMAR, (query) => retryWhileBusy(async () => handle.execute(query), pause));
}

/**
 * The writing connection, lent to one transaction. A statement that fails is the last one: SQLite rolls back by
 * itself on some errors (a full disk), and whatever came after that would be stored on its own.
 */
class TransactionConnection implements LentConnection {
  readonly #handle: Handle;
  readonly #synchronous: Synchronous;
  readonly #revised: () => void;
  #open = false;
  #revises = false;
  #failure: { error: unknown } | undefined;

  readonly streamQuery = refuseStream;

  constructor(handle: Handle, synchronous: Synchronous, revised: () => void) {
    this.#handle = handle;
    this.#synchronous = synchronous;
    this.#revised = revised;
  }

  begin(): void {
    this.#handle.setSynchronous(this.#synchronous);
    this.#handle.exec('BEGIN IMMEDIATE');
    this.#open = true;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#failure !== undefined) {
      throw this.#failure.error;
    }
    if (!this.#open || !this.#handle.inTransaction) {
      throw fault('the transaction has ended');
    }
    this.#revises ||= revises(query);
    try {
      return this.#handle.execute(query);
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

  commit(): void {
    if (this.#failure !== undefined) {
      throw this.#failure.error;
    }
    try {
      this.#handle.exec('COMMIT');
    } finally {
      // After an error too: what reached the disk is not known then.
      if (this.#revises) this.#revised();
    }
    this.#open = false;
  }

  rollback(): void {
    this.#open = false;
    if (this.#handle.inTransaction) {
      this.#handle.exec('ROLLBACK');
    }
  }

  end(): void {
    this.#open = false;
  }
}
