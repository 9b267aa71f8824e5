import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Kysely } from 'kysely';
import { CountersignError, isCountersignError } from '../../../protocol/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Database, Query, Transaction, TransactionOptions } from '../database.ts';
import type { RunTransaction } from '../driver.ts';
import { migrate } from '../migrate.ts';
import { MIGRATIONS, type Migration } from '../migrations/index.ts';
import { type Pause, pause, retryWhileBusy } from '../retry.ts';
import { RootHandle } from '../root-handle.ts';
import type { Tables } from '../tables.ts';
import { Turns } from '../turns.ts';
import { readerDialect, writer } from './dialect.ts';
import { Handle } from './handle.ts';
import { LogFile } from './log-file.ts';

export interface SqliteOptions {
  /** The file. Its folder is made if missing. In-memory databases are not offered: nothing would be durable. */
  readonly path: string;
  /** The file must be there already: a wrong path would begin a second bridge. Default: it is made if missing. */
  readonly mustExist?: boolean;
  readonly clock: Clock;
  /** The most pages (of 4 KiB) that the file may grow to, on a volume shared with others. Then: `storage_full`. */
  readonly maxPages?: number;
  /** Default: the bridge's own. */
  readonly migrations?: readonly Migration[];
  /** How waits between tries pass. Default: by a timer. */
  readonly pause?: Pause;
}

/**
 * Opens the embedded store: one connection that writes, one that reads.
 *
 * @throws `state_refused` if the file must be there and is not, is not a database, or cannot have a write-ahead log
 *   (network file systems); `storage_full`; `storage_busy`
 */
export async function openSqlite(options: SqliteOptions): Promise<Database> {
  if (options.path === '' || options.path.startsWith(':') || /^[a-z]+:/i.test(options.path)) {
    throw new CountersignError('config_invalid', 'The database path must be a file.');
  }
  const path = resolve(options.path);
  if (options.mustExist === true && !existsSync(path)) {
    throw new CountersignError(
      'state_refused',
      `There is no database at ${path}; is storage.path right? Only for a new bridge: countersign init.`,
    );
  }
  const wait = options.pause ?? pause;
  const writing = await retryWhileBusy(async () => openWriter(path, options.maxPages), wait);
  try {
    const reading = await retryWhileBusy(async () => openReader(path), wait);
    return new SqliteDatabase(writing, reading, { ...options, path });
  } catch (error) {
    writing.close();
    throw error;
  }
}

/**
 * `busy_timeout` is 0 because SQLite's own wait would stop the whole process: we wait between tries instead.
 * `trusted_schema` off: a tampered file's schema cannot call functions.
 */
const EVERY_CONNECTION = `
  PRAGMA busy_timeout = 0;
  PRAGMA trusted_schema = OFF;
  PRAGMA cell_size_check = ON;
  PRAGMA temp_store = MEMORY;
`;

/**
 * `synchronous` FULL syncs the log at each commit, `fullfsync` means that on macOS too. `secure_delete` overwrites
 * what is deleted: a deleted transform key must not stay in a free page.
 */
const WRITER = `
  PRAGMA synchronous = FULL;
  PRAGMA fullfsync = ON;
  PRAGMA checkpoint_fullfsync = ON;
  PRAGMA foreign_keys = ON;
  PRAGMA secure_delete = ON;
`;

function openWriter(path: string, maxPages: number | undefined): Handle {
  const handle = new Handle(path);
  try {
    handle.exec(EVERY_CONNECTION);
    if (handle.pragma('journal_mode = WAL') !== 'wal') {
      throw new CountersignError('state_refused', 'The database file cannot have a write-ahead log there.');
    }
    handle.exec(WRITER);
    if (maxPages !== undefined) {
      handle.pragma(`max_page_count = ${maxPages}`);
    }
    assertSettings(handle);
    return handle;
  } catch (error) {
    handle.close();
    throw error;
  }
}

/** SQLite ignores a pragma that it does not know or was built without: ask what is in force. */
function assertSettings(handle: Handle): void {
  const wanted = { synchronous: 2, foreign_keys: 1, trusted_schema: 0, secure_delete: 1 };
  for (const [name, value] of Object.entries(wanted)) {
    if (handle.pragma(name) !== value) {
      throw new CountersignError('state_refused', `The embedded database does not take the setting ${name}.`);
    }
  }
}

function openReader(path: string): Handle {
  const handle = new Handle(path);
  try {
    handle.exec(EVERY_CONNECTION);
    handle.exec('PRAGMA query_only = ON');
    return handle;
  } catch (error) {
    handle.close();
    throw error;
  }
}

class SqliteDatabase implements Database {
  readonly dialect = 'sqlite';
  readonly #options: SqliteOptions;
  readonly #pause: Pause;
  readonly #writerHandle: Handle;
  readonly #readerHandle: Handle;
  readonly #log: LogFile;
  readonly #write: RunTransaction;
  /** Commits what is not on disk yet when it resolves. */
  readonly #writeUnsynced: RunTransaction;
  readonly #reader: Kysely<Tables>;
  readonly #root = new RootHandle();
  readonly #turns = new Turns();
  #revision = 0;
  #dataVersion = Number.NaN;
  /** Whether it was looked at in this turn of the event loop. */
  #looked = false;

  constructor(writing: Handle, reading: Handle, options: SqliteOptions) {
    this.#options = options;
    this.#pause = options.pause ?? pause;
    this.#writerHandle = writing;
    this.#readerHandle = reading;
    this.#log = new LogFile(options.path);
    this.#write = writer(writing, 'FULL', () => this.#revise());
    this.#writeUnsynced = writer(writing, 'NORMAL', () => this.#revise());
    this.#reader = new Kysely<Tables>({ dialect: readerDialect(reading, this.#pause) });
  }

  async read<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return this.#root.run(() => work(this.#reader));
  }

  /**
   * Own commits are counted where they happen. Those of other processes, of whatever tables, show in the data version
   * of the writing connection, which nobody else of this process shares: SQLite changes it for commits of others alone.
   * It is looked at once for what one turn of the event loop asks for: nothing comes in from outside meanwhile.
   */
  async revision(): Promise<number> {
    this.#root.assertUsable();
    try {
      this.#look();
    } catch (error) {
      if (!isCountersignError(error, 'storage_busy')) throw error;
      await retryWhileBusy(async () => this.#look(), this.#pause);
    }
    return this.#revision;
  }

  #look(): void {
    if (this.#looked) return;
    const dataVersion = this.#writerHandle.dataVersion();
    this.#looked = true;
    // Runs when the promises of this turn have been gone through.
    process.nextTick(() => {
      this.#looked = false;
    });
    if (dataVersion !== this.#dataVersion) {
      this.#dataVersion = dataVersion;
      this.#revise();
    }
  }

  #revise(): void {
    this.#revision += 1;
  }

  async transaction<T>(
    work: (transaction: Transaction) => Promise<T>,
    { seenBeforeDurable = false }: TransactionOptions = {},
  ): Promise<T> {
    const inside = (transaction: Transaction) => this.#root.inside(() => work(transaction));
    const attempt = seenBeforeDurable ? () => this.#writeAndSync(inside) : () => this.#write(inside);
    return this.#root.run(() => this.#turns.take(() => retryWhileBusy(attempt, this.#pause)));
  }

  /**
   * SQLite would sync the log within its COMMIT, and hold up the whole process. Nobody else commits here until it is
   * synced, so that a fault of the disk is told to whom it concerns.
   */
  async #writeAndSync<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    if (!(await this.#log.open())) return this.#write(work);
    const result = await this.#writeUnsynced(work);
    try {
      await this.#log.sync();
    } catch (cause) {
      throw this.#refuse(cause);
    }
    return result;
  }

  /**
   * What was committed can be read and may not be on disk, and the system will not try again to write it: whatever is
   * committed on top of it could be lost with it. A new process reads the log anew.
   */
  #refuse(cause: unknown): CountersignError {
    const error = new CountersignError(
      'unavailable',
      'The disk did not take what was committed to the embedded store: restart the bridge.',
      { cause },
    );
    this.#writerHandle.refuse(error);
    this.#readerHandle.refuse(error);
    return error;
  }

  async migrate(): Promise<void> {
    await migrate(this, this.#options.migrations ?? MIGRATIONS, this.#options.clock);
  }

  async close(): Promise<void> {
    await this.#root.close(() => this.#finish());
  }

  /** Moves the log into the file, so that the file is whole by itself: libsql does not do it when it closes. */
  async #finish(): Promise<void> {
    this.#readerHandle.close();
    await this.#log.close();
    try {
      this.#writerHandle.pragma('wal_checkpoint(TRUNCATE)');
    } finally {
      this.#writerHandle.close();
    }
  }
}
