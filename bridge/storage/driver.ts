import {
  type CompiledQuery,
  type DatabaseConnection,
  DefaultQueryExecutor,
  type Dialect,
  type Driver,
  Transaction as KyselyTransaction,
  type QueryResult,
} from 'kysely';
import { CountersignError } from '../../protocol/errors.ts';
import { heldUntilCommit } from './after-commit.ts';
import type { Transaction } from './database.ts';
import type { Tables } from './tables.ts';

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

/** Runs work in a transaction on a connection that is lent for it. */
export type RunTransaction = <T>(work: (transaction: Transaction) => Promise<T>) => Promise<T>;

/**
 * Transactions whose statements go to the connection as they are asked for. Kysely's own would hold each of them back
 * until the one before it is answered.
 */
export function transactions(grammar: Grammar, lend: () => Promise<LentConnection>): RunTransaction {
  const ours = dialect(grammar, onlyHere);
  const driver = ours.createDriver();
  const compiler = grammar.createQueryCompiler();
  const adapter = grammar.createAdapter();
  const over = (connection: LentConnection): Transaction =>
    new KyselyTransaction<Tables>({
      ...{ config: { dialect: ours }, dialect: ours, driver },
      executor: new DefaultQueryExecutor(compiler, adapter, { provideConnection: (use) => use(connection) }),
    });
  return async (work) => {
    const connection = await lend();
    try {
      await connection.begin();
      const transaction = over(connection);
      const committed = heldUntilCommit(transaction);
      const result = await finish(connection, () => work(transaction));
      committed();
      return result;
    } finally {
      connection.end();
    }
  };
}

async function finish<T>(connection: LentConnection, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    await connection.commit();
    return result;
  } catch (error) {
    await connection.rollback();
    throw error;
  }
}

/** For Kysely, which asks for one: what it would do is done here. */
const onlyHere: Omit<Driver, 'init' | 'destroy'> = {
  acquireConnection: async () => refuse('connections are lent to transactions only'),
  beginTransaction: noTransaction,
  commitTransaction: noTransaction,
  rollbackTransaction: noTransaction,
  releaseConnection: async () => {},
};

/** Kysely over what only reads, one statement at a time. */
export function readingDialect(
  grammar: Grammar,
  execute: <R>(query: CompiledQuery) => Promise<QueryResult<R>>,
): Dialect {
  const connection: DatabaseConnection = { executeQuery: execute, streamQuery: refuseStream };
  return dialect(grammar, { ...onlyHere, acquireConnection: async () => connection });
}

async function noTransaction(): Promise<never> {
  return refuse('there are no transactions here');
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
