import type { CompiledQuery, DatabaseConnection, Dialect, Driver, QueryResult } from 'kysely';
import { CountersignError } from '../../protocol/errors.ts';

/** What differs between the databases: how queries are written, and the schema is looked at. */
export type Grammar = Omit<Dialect, 'createDriver'>;

/** A connection lent to one transaction, from `begin` to `end`. */
export interface LentConnection extends DatabaseConnection {
  begin(): void | Promise<void>;
  commit(): void | Promise<void>;
  rollback(): void | Promise<void>;
  /** Gives it back, whatever happened. */
  end(): void;
}

/** Kysely over connections that only run transactions. */
export function transactingDialect(grammar: Grammar, lend: () => Promise<LentConnection>): Dialect {
  const lent = new WeakMap<DatabaseConnection, LentConnection>();
  function lentOf(connection: DatabaseConnection): LentConnection {
    return lent.get(connection) ?? refuse('not a connection of this driver');
  }
  return dialect(grammar, {
    async acquireConnection() {
      const connection = await lend();
      lent.set(connection, connection);
      return connection;
    },
    beginTransaction: async (connection) => lentOf(connection).begin(),
    commitTransaction: async (connection) => lentOf(connection).commit(),
    rollbackTransaction: async (connection) => lentOf(connection).rollback(),
    releaseConnection: async (connection) => lentOf(connection).end(),
  });
}

/** Kysely over what only reads, one statement at a time. */
export function readingDialect(
  grammar: Grammar,
  execute: <R>(query: CompiledQuery) => Promise<QueryResult<R>>,
): Dialect {
  const connection: DatabaseConnection = { executeQuery: execute, streamQuery: refuseStream };
  const noTransaction = async () => refuse('what reads has no transactions');
  return dialect(grammar, {
    acquireConnection: async () => connection,
    beginTransaction: noTransaction,
    commitTransaction: noTransaction,
    rollbackTransaction: noTransaction,
    releaseConnection: async () => {},
  });
}

function dialect(grammar: Grammar, driver: Omit<Driver, 'init' | 'destroy'>): Dialect {
  return {
    ...grammar,
    createDriver: () => ({ ...driver, init: async () => {}, destroy: async () => {} }),
  };
}

/** A half-read stream would hold its snapshot and keep old rows from being cleaned up: read in pages. */
export function refuseStream(): never {
  return refuse('streams are not offered');
}

/** A fault of ours: of whoever uses the driver, not of the store. */
export function fault(message: string): CountersignError {
  return new CountersignError('internal', undefined, { cause: new Error(message) });
}

function refuse(message: string): never {
  throw fault(message);
}
