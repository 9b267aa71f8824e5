import { CountersignError } from '../../../protocol/errors.ts';
import { UniqueViolation } from '../database.ts';

/** libsql's error, or another, as ours. The original is its private cause. */
export function fromSqlite(error: unknown): unknown {
  const code = sqliteCode(error);
  if (code === undefined) {
    return error;
  }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new CountersignError('storage_busy', undefined, { cause: error });
  }
  switch (code) {
    case 'SQLITE_FULL':
      return new CountersignError('storage_full', undefined, { cause: error });
    case 'SQLITE_CONSTRAINT_UNIQUE':
    case 'SQLITE_CONSTRAINT_PRIMARYKEY':
      return new CountersignError('conflict', undefined, { cause: uniqueViolation(error) });
    case 'SQLITE_PROTOCOL':
      return new CountersignError(
        'unavailable',
        'A lock of the embedded store is stuck: restart the bridge.',
        {
          cause: error,
        },
      );
    case 'SQLITE_NOTADB':
    case 'SQLITE_CORRUPT':
      return new CountersignError('state_refused', 'The database file is damaged, or is not a database.', {
        cause: error,
      });
    default:
      return new CountersignError('internal', undefined, { cause: error });
  }
}

/** SQLite gave up waiting for a lock of its write-ahead log that nobody who works can hold for so long. */
export function isStuckLock(error: unknown): boolean {
  return sqliteCode(error) === 'SQLITE_PROTOCOL';
}

function sqliteCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : undefined;
}

/** SQLite names the constraint only in its message: `UNIQUE constraint failed: table.column, table.column`. */
function uniqueViolation(error: unknown): UniqueViolation {
  const [, table = ''] = /constraint failed: ([^.]+)\./.exec(String(error)) ?? [];
  return new UniqueViolation(table, { cause: error });
}
