import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { CompiledQuery, QueryResult } from 'kysely';
import Libsql from 'libsql';
import { CountersignError } from '../../../protocol/errors.ts';
import { fromSqlite, isStuckLock } from './errors.ts';
import { fromRow, toBound } from './values.ts';

/** Statements kept prepared, per connection: more than the bridge has, as the length of an `in (…)` list varies. */
const PREPARED_STATEMENTS = 512;

/** What a commit waits for: the disk; or the system alone, which loses it with the machine's power until it is synced. */
export type Synchronous = 'FULL' | 'NORMAL';

type Statement = ReturnType<InstanceType<typeof Libsql>['prepare']>;

/**
 * One open connection to the file. Every call is synchronous; every error is ours (errors.ts).
 *
 * libsql 0.5 keeps the descriptors of a closed connection until its statements are collected: open a store once per
 * process, not once per use.
 */
export class Handle {
  readonly #connection: InstanceType<typeof Libsql>;
  readonly #statements = new Map<string, Statement>();
  #dataVersion: ReturnType<typeof prepareDataVersion> | undefined;
  #synchronous: Synchronous | undefined;
  #refusal: CountersignError | undefined;

  /**
   * @param path - absolute, so that libsql cannot take it for a URL or for `:memory:`
   * @throws `state_refused`, `storage_full`
   */
  constructor(path: string) {
    createPrivate(path);
    try {
      this.#connection = new Libsql(path);
    } catch (error) {
      throw refused(path, error);
    }
  }

  get inTransaction(): boolean {
    return this.#connection.inTransaction;
  }

  exec(sql: string): void {
    this.#translated(() => this.#connection.exec(sql));
  }

  /** The only value of a pragma's only row. */
  pragma(source: string): unknown {
    const [row] = this.#translated(() => this.#connection.prepare(`PRAGMA ${source}`).all());
    return Object.values(row ?? {})[0];
  }

  /** What the commits to come wait for. Not inside a transaction, where SQLite ignores it. */
  setSynchronous(level: Synchronous): void {
    if (this.#synchronous === level) return;
    this.exec(`PRAGMA synchronous = ${level}`);
    this.#synchronous = level;
  }

  /** Has every later call throw this. */
  refuse(error: CountersignError): void {
    this.#refusal ??= error;
  }

  /** Another number than before if another connection, of whichever process, committed since. Not for own commits. */
  dataVersion(): number {
    return this.#translated(() => {
      this.#dataVersion ??= prepareDataVersion(this.#connection);
      const [version] = this.#dataVersion.get() as [number];
      return version;
    });
  }

  execute<R>(query: CompiledQuery): QueryResult<R> {
    const parameters = query.parameters.map(toBound);
    return this.#translated(() => {
      const statement = this.#prepare(query.sql);
      if (statement.reader) {
        const rows = statement.all(parameters) as Record<string, unknown>[];
        return { rows: rows.map(fromRow) as R[] };
      }
      return { numAffectedRows: BigInt(statement.run(parameters).changes), rows: [] };
    });
  }

  close(): void {
    this.#statements.clear();
    this.#dataVersion = undefined;
    try {
      this.#connection.close();
    } catch (error) {
      throw fromSqlite(error);
    }
  }

  /**
   * A lock that could not be given back stays for as long as the process lives. SQLite would look for it, and hold up
   * the whole process, for ten seconds at each call: one is enough to know.
   */
  #translated<T>(call: () => T): T {
    if (this.#refusal !== undefined) throw this.#refusal;
    try {
      return call();
    } catch (error) {
      const ours = fromSqlite(error);
      if (isStuckLock(error) && ours instanceof CountersignError) this.refuse(ours);
      throw ours;
    }
  }

  /** Preparing afresh each time costs as much as running, and libsql keeps the memory until the next collection. */
  #prepare(sql: string): Statement {
    const kept = this.#statements.get(sql);
    const statement = kept ?? this.#connection.prepare(sql);
    this.#statements.delete(sql);
    this.#statements.set(sql, statement);
    if (this.#statements.size > PREPARED_STATEMENTS) {
      for (const oldest of this.#statements.keys()) {
        this.#statements.delete(oldest);
        break;
      }
    }
    return statement;
  }
}

function prepareDataVersion(connection: InstanceType<typeof Libsql>) {
  return connection.prepare<[]>('PRAGMA data_version').raw();
}

/**
 * SQLite would create the file readable by all; its log takes the file's mode. An existing file must not be opened
 * here: closing it again would drop the locks (POSIX) that this process's connections hold on it, and another
 * process that closes the store would then delete the log under them.
 */
function createPrivate(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, 'ax', 0o600));
  } catch (error) {
    switch (systemCode(error)) {
      case 'EEXIST':
        return;
      case 'ENOSPC':
        throw new CountersignError('storage_full', undefined, { cause: error });
      default:
        throw refused(path, error);
    }
  }
}

function refused(path: string, cause: unknown): CountersignError {
  return new CountersignError('state_refused', `The database file '${path}' cannot be opened.`, { cause });
}

function systemCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
