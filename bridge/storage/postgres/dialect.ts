import {
  CompiledQuery,
  type Dialect,
  PostgresAdapter,
  PostgresIntrospector,
  type QueryResult,
  SelectQueryNode,
} from 'kysely';
import type pg from 'pg';
import { type CountersignError, isCountersignError } from '../../../protocol/errors.ts';
import {
  fault,
  type Grammar,
  type LentConnection,
  type RunTransaction,
  readingDialect,
  refuseStream,
  transactions,
} from '../driver.ts';
import { type Pause, retry } from '../retry.ts';
import { type Storable, storable } from '../values.ts';
import { fromCommit, fromPostgres, isRetryable, isUndone } from './errors.ts';
import type { ConnectionPool } from './pool.ts';
import { PortableQueryCompiler } from './query-compiler.ts';

const GRAMMAR: Grammar = {
  createQueryCompiler: () => new PortableQueryCompiler(),
  createAdapter: () => new PostgresAdapter(),
  createIntrospector: (kysely) => new PostgresIntrospector(kysely),
};

/** Transactions, each on a connection of its own. */
export function writer(pool: Pick<ConnectionPool, 'lend'>): RunTransaction {
  return transactions(GRAMMAR, async () => new TransactionConnection(await pool.lend()));
}

/** Kysely over connections that only read, each statement on whichever is free. */
export function readerDialect(pool: ConnectionPool, pause: Pause): Dialect {
  return readingDialect(GRAMMAR, (query) => retry(() => readOnce(pool, query), isRetryable, pause));
}

async function readOnce<R>(pool: ConnectionPool, query: CompiledQuery): Promise<QueryResult<R>> {
  // what nobody may ask for reaches no connection: somebody outside may have sent it
  const values = query.parameters.map(storable);
  const client = await pool.lend();
  try {
    const result = await run<R>(client, query, values);
    client.release();
    return result;
  } catch (error) {
    // an error of our own says nothing against the connection: the server has answered
    client.release(!isCountersignError(error));
    throw fromPostgres(error);
  }
}

async function run<R>(
  client: pg.ClientBase,
  query: CompiledQuery,
  values: readonly Storable[],
): Promise<QueryResult<R>> {
  const { command, rowCount, rows } = await client.query({
    ...preparedName(query),
    text: query.sql,
    values: [...values],
  });
  const changes = command === 'INSERT' || command === 'UPDATE' || command === 'DELETE';
  return { rows: rows as R[], ...(changes ? { numAffectedRows: BigInt(rowCount ?? 0) } : {}) };
}

function onlyReads({ query }: CompiledQuery): boolean {
  return SelectQueryNode.is(query) && query.with === undefined;
}

/** Statements that the server keeps parsed on each connection, by their text: the bridge has some hundred. */
const prepared = new Map<string, string>();
const PREPARED_STATEMENTS = 512;
/** Longer lists of parameters come in every length, and would fill the room with statements used once. */
const PREPARED_PARAMETERS = 32;

function preparedName({ sql, parameters }: CompiledQuery): { name?: string } {
  if (parameters.length === 0 || parameters.length > PREPARED_PARAMETERS) return {};
  let name = prepared.get(sql);
  if (name === undefined && prepared.size < PREPARED_STATEMENTS) {
    name = `countersign_${prepared.size}`;
    prepared.set(sql, name);
  }
  return name === undefined ? {} : { name };
}

/**
 * A connection lent to one transaction. Statements are answered in the order in which they were sent. One that fails is
 * the last one, as the server has it too: those behind it on their way fail with its error.
 */
class TransactionConnection implements LentConnection {
  readonly #client: pg.PoolClient;
  /** The answer to `begin`, and to what was sent last: never rejected. */
  #begun: Promise<unknown> = Promise.resolve();
  #last: Promise<unknown> = Promise.resolve();
  #open = false;
  /** Whether anything that writes was asked for. */
  #writes = false;
  /** Whether the server has no transaction of ours open, so that another may have the connection. */
  #clean = true;
  #failure: { error: CountersignError } | undefined;
  #warned = false;

  readonly streamQuery = refuseStream;

  constructor(client: pg.PoolClient) {
    this.#client = client;
    client.on('error', this.#lose);
  }

  /** Before a commit was sent, a connection that ended took the transaction with it. */
  readonly #lose = (error: unknown): void => {
    if (this.#open) this.#failure ??= { error: fromPostgres(error) };
  };

  async begin(): Promise<void> {
    this.#clean = false;
    this.#open = true;
    this.#begun = this.#send(CompiledQuery.raw('begin isolation level serializable read write')).catch(
      () => {},
    );
  }

  /**
   * What writes must not reach a server that may have refused to begin: it would be stored on its own there. What is
   * asked for behind it waits as well, so that everything is sent in the order in which it was asked for.
   */
  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    this.#writes ||= !onlyReads(query);
    if (this.#writes) await this.#begun;
    if (this.#failure !== undefined) throw this.#failure.error;
    if (!this.#open) throw fault('the transaction has ended');
    return this.#send<R>(query);
  }

  /** Work that swallowed the failure of a statement gets it here. */
  async commit(): Promise<void> {
    this.#open = false;
    await this.#last;
    if (this.#failure !== undefined) throw this.#failure.error;
    const warn = () => {
      this.#warned = true;
    };
    this.#client.on('notice', warn);
    try {
      await this.#sendCommit();
    } finally {
      this.#client.off('notice', warn);
    }
  }

  /**
   * @throws the failure of a statement after which another attempt may succeed: work may have taken it for something
   *   else, as whoever looks for a conflict does
   */
  async rollback(): Promise<void> {
    this.#open = false;
    await this.#last;
    if (!this.#clean) await this.#sendRollback();
    if (this.#failure !== undefined && isRetryable(this.#failure.error)) throw this.#failure.error;
  }

  /** Gives the connection back; one that is in doubt is closed, which ends whatever is open on it. */
  end(): void {
    this.#open = false;
    this.#client.off('error', this.#lose);
    this.#client.release(!this.#clean || isUndone(this.#failure?.error));
  }

  #send<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const answer = this.#answerOf<R>(query);
    this.#last = answer.catch(() => {});
    return answer;
  }

  async #answerOf<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    try {
      return await run<R>(this.#client, query, query.parameters.map(storable));
    } catch (error) {
      this.#failure ??= { error: fromPostgres(error) };
      throw this.#failure.error;
    }
  }

  async #sendCommit(): Promise<void> {
    let command: string;
    try {
      ({ command } = await this.#client.query('commit'));
    } catch (error) {
      this.#failure = { error: fromCommit(error) };
      throw this.#failure.error;
    }
    this.#clean = true;
    if (command !== 'COMMIT') throw fault(`the server answered a commit with ${command}`);
    // Committed here, but the wait for the standby was cut short: to be called stored, it must be there too.
    if (this.#warned) throw fromCommit(new Error('the server warned when it committed'));
  }

  async #sendRollback(): Promise<void> {
    try {
      await this.#client.query('rollback');
      this.#clean = true;
    } catch {
      // the connection is closed in its place
    }
  }
}
