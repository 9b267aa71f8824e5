import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { CountersignError } from '../../../protocol/errors.ts';
import { type Pause, retryWhileBusy } from '../retry.ts';
import type { Handle } from './handle.ts';

/** Kysely over a connection that only runs transactions, one at a time: the caller sees to the order. */
export function writerDialect(handle: Handle): Dialect {
  return dialect({
    acquireConnection: async () => new TransactionConnection(handle),
    beginTransaction: async (connection) => transactionOf(connection).begin(),
    commitTransaction: async (connection) => transactionOf(connection).commit(),
    rollbackTransaction: async (connection) => transactionOf(connection).rollback(),
    releaseConnection: async (connection) => transactionOf(connection).end(),
  });
}

/** Kysely over a connection that only reads. */
export function readerDialect(handle: Handle, pause: Pause): Dialect {
  const connection: DatabaseConnection = {
    executeQuery: (query) => retryWhileBusy(async () => handle.execute(query), pause),
    streamQuery: refuseStream,
  };
  const refuse = async () => {
    throw fault('the reading connection has no transactions');
  };
  return dialect({
    acquireConnection: async () => connection,
    beginTransaction: refuse,
    commitTransaction: refuse,
    rollbackTransaction: refuse,
    releaseConnection: async () => {},
  });
}

function dialect(driver: Omit<Driver, 'init' | 'destroy'>): Dialect {
  return {
    createDriver: () => ({ ...driver, init: async () => {}, destroy: async () => {} }),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (kysely) => new SqliteIntrospector(kysely),
  };
}

/**
 * The writing connection, lent to one transaction. A statement that fails is the last one: SQLite rolls back by
 * itself on some errors (a full disk), and whatever came after that would be stored on its own.
 */
class TransactionConnection implements DatabaseConnection {
  readonly #handle: Handle;
  #open = false;
  #failure: { error: unknown } | undefined;

  readonly streamQuery = refuseStream;

  constructor(handle: Handle) {
    this.#handle = handle;
  }

  begin(): void {
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
    this.#handle.exec('COMMIT');
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

function transactionOf(connection: DatabaseConnection): TransactionConnection {
  if (!(connection instanceof TransactionConnection)) {
    throw fault('not a connection of this driver');
  }
  return connection;
}

/** A half-read stream would hold its snapshot and keep the WAL growing: read in pages. */
function refuseStream(): never {
  throw fault('streams are not offered');
}

function fault(message: string): CountersignError {
  return new CountersignError('internal', undefined, { cause: new Error(message) });
}
