import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { CompiledQuery, QueryResult } from 'kysely';
import Libsql from 'libsql';
import { CountersignError } from '../../../protocol/errors.ts';
import { fromSqlite } from './errors.ts';
import { fromRow, toBound } from './values.ts';

/** Statements kept prepared, per connection: more than the bridge has, as the length of an `in (…)` list varies. */
const PREPARED_STATEMENTS = 512;

type Statement = ReturnType<InstanceType<typeof Libsql>['prepare']>;

/** One open connection to the file. Every call is synchronous; every error is ours (errors.ts). */
export class Handle {
  readonly #connection: InstanceType<typeof Libsql>;
  readonly #statements = new Map<string, Statement>();

  /** @param path - absolute, so that libsql cannot take it for a URL or for `:memory:` */
  constructor(path: string) {
    this.#connection = translated(() => {
      createPrivate(path);
      return new Libsql(path);
    });
  }

  get inTransaction(): boolean {
    return this.#connection.inTransaction;
  }

  exec(sql: string): void {
    translated(() => this.#connection.exec(sql));
  }

  /** The only value of a pragma's only row. */
  pragma(source: string): unknown {
    const [row] = translated(() => this.#connection.prepare(`PRAGMA ${source}`).all());
    return Object.values(row ?? {})[0];
  }

  execute<R>(query: CompiledQuery): QueryResult<R> {
    const parameters = query.parameters.map(toBound);
    return translated(() => {
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
    translated(() => this.#connection.close());
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

/** SQLite would create the file readable by all; its WAL takes the file's mode. */
function createPrivate(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, 'a', 0o600));
  } catch (error) {
    const full = error instanceof Error && 'code' in error && error.code === 'ENOSPC';
    throw full
      ? new CountersignError('storage_full', undefined, { cause: error })
      : new CountersignError('state_refused', `The database file '${path}' cannot be opened.`, {
          cause: error,
        });
  }
}

function translated<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw fromSqlite(error);
  }
}
