import { setImmediate as nextTurn } from 'node:timers/promises';
import { Kysely } from 'kysely';
import { CountersignError, isCountersignError } from '../../../protocol/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Database, Query, Transaction } from '../database.ts';
import type { RunTransaction } from '../driver.ts';
import { migrate } from '../migrate.ts';
import { MIGRATIONS, type Migration } from '../migrations/index.ts';
import { type EarlierAttempt, type Pause, pause, retry } from '../retry.ts';
import { RootHandle } from '../root-handle.ts';
import type { Tables } from '../tables.ts';
import { Turns } from '../turns.ts';
import { readerDialect, writer } from './dialect.ts';
import { hasLost, isRefusedLogin, isRetryable } from './errors.ts';
import { withMigrationLock } from './migration-lock.ts';
import { type ConnectionOptions, ConnectionPool, HostChoice } from './pool.ts';
import { parsePostgresUrl } from './target.ts';

export interface PostgresOptions extends Omit<ConnectionOptions, 'target'> {
  /** As `parsePostgresUrl` takes it; it holds the password. */
  readonly url: string;
  readonly clock: Clock;
  /** Connections of this process at most, half of them for reads. Default: 10. */
  readonly poolSize?: number;
  /** Default: the bridge's own. */
  readonly migrations?: readonly Migration[];
  /** How waits between tries pass. Default: by a timer. */
  readonly pause?: Pause;
}

export const POOL_SIZE = 10;

/**
 * Opens the store on a PostgreSQL server.
 *
 * @throws `config_invalid` if the URL, the user, the password or the database is wrong; `state_refused` if the server
 *   does not keep what it has acknowledged; `unavailable` if it cannot be reached
 */
export async function openPostgres(options: PostgresOptions): Promise<Database> {
  const connection = { ...options, target: parsePostgresUrl(options.url) };
  const size = options.poolSize ?? POOL_SIZE;
  const readers = Math.max(1, Math.floor(size / 2));
  const hosts = new HostChoice(connection.target.hosts.length);
  const database = new PostgresDatabase(options, {
    connection,
    hosts,
    writes: new ConnectionPool(connection, 'writes', Math.max(1, size - readers), hosts),
    reads: new ConnectionPool(connection, 'reads', readers, hosts),
  });
  try {
    await database.assertUsable();
    return database;
  } catch (error) {
    await database.close();
    throw openingError(error);
  }
}

/** A refused login is not a server that is away: whoever starts the bridge must change something. */
function openingError(error: unknown): unknown {
  if (!isCountersignError(error) || !isRefusedLogin(error.cause)) return error;
  return new CountersignError(
    'config_invalid',
    'The database server refuses the user, the password or the name of the database.',
    { cause: error.cause },
  );
}

interface Server {
  readonly connection: ConnectionOptions;
  readonly hosts: HostChoice;
  readonly writes: ConnectionPool;
  readonly reads: ConnectionPool;
}

class PostgresDatabase implements Database {
  readonly dialect = 'postgres';
  readonly #options: PostgresOptions;
  readonly #server: Server;
  readonly #pause: Pause;
  readonly #write: RunTransaction;
  readonly #reader: Kysely<Tables>;
  readonly #root = new RootHandle();
  readonly #losers = new Turns();
  #revision = 0;
  #nextRevision: Promise<number> | undefined;

  constructor(options: PostgresOptions, server: Server) {
    this.#options = options;
    this.#server = server;
    this.#pause = options.pause ?? pause;
    this.#write = writer(server.writes);
    this.#reader = new Kysely<Tables>({ dialect: readerDialect(server.reads, this.#pause) });
  }

  /** Connects once, so that what is wrong is known at the start. */
  async assertUsable(): Promise<void> {
    const client = await retry(() => this.#server.writes.lend(), isRetryable, this.#pause);
    client.release();
  }

  async read<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return this.#root.run(() => work(this.#reader));
  }

  /** Replicas commit without each other's knowledge, and a counter that all of them raise would make them collide. */
  async revision(): Promise<number> {
    this.#root.assertUsable();
    this.#nextRevision ??= nextTurn().then(() => {
      this.#nextRevision = undefined;
      this.#revision += 1;
      return this.#revision;
    });
    return this.#nextRevision;
  }

  async transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const once = () => this.#write((transaction) => this.#root.inside(() => work(transaction)));
    // Those that lost to another one come one at a time, or they would keep making each other lose. Where the server is
    // away nobody waits for the others' waits.
    const attempt = (earlier?: EarlierAttempt) => {
      if (earlier === undefined || !hasLost(earlier.error)) return once();
      return this.#losers.take(() => {
        earlier.assertInTime();
        return once();
      });
    };
    return this.#root.run(() => retry(attempt, isRetryable, this.#pause));
  }

  async migrate(): Promise<void> {
    const { connection, hosts } = this.#server;
    const { migrations = MIGRATIONS, clock } = this.#options;
    await this.#root.run(() => withMigrationLock(connection, hosts, () => migrate(this, migrations, clock)));
  }

  async close(): Promise<void> {
    await this.#root.close(async () => {
      await Promise.all([this.#server.writes.close(), this.#server.reads.close()]);
    });
  }
}
