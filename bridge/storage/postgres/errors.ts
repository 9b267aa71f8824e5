import pg from 'pg';
import { CountersignError, type ErrorCode, isCountersignError } from '../../../protocol/errors.ts';
import { UniqueViolation } from '../database.ts';

/** Why a statement has no answer: the connection ended, or the server cannot serve now. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
  /** `false` once COMMIT was sent: the transaction may have been stored. */
  readonly undone: boolean;

  constructor(undone: boolean, options: { cause: unknown }) {
    super(
      undone ? 'the connection was lost before the commit' : 'the answer to the commit was lost',
      options,
    );
    this.undone = undone;
  }
}

/** By SQLSTATE, or its class where the whole class means the same. The rest is `internal`. */
const CODES: Record<string, ErrorCode> = {
  '40001': 'storage_busy', // serialization_failure
  '40P01': 'storage_busy', // deadlock_detected
  '55P03': 'storage_busy', // lock_not_available: lock_timeout
  '57014': 'storage_busy', // query_canceled: statement_timeout
  '53300': 'storage_busy', // too_many_connections
  '53100': 'storage_full', // disk_full
  '53200': 'unavailable', // out_of_memory
  '40003': 'unavailable', // statement_completion_unknown
  '25P03': 'unavailable', // idle_in_transaction_session_timeout
  '08': 'unavailable', // connection exceptions
  '28': 'unavailable', // the user or the password is refused
  '3D': 'unavailable', // there is no such database
  '57P': 'unavailable', // shutting down, starting up, terminated by an administrator
  XX001: 'state_refused', // data_corrupted
  XX002: 'state_refused', // index_corrupted
};

/** pg's error as ours. The original is its private cause. What is no error of the server's is one of the way to it. */
export function fromPostgres(error: unknown): CountersignError {
  if (error instanceof CountersignError) return error;
  if (!(error instanceof pg.DatabaseError)) return lost(error);
  const sqlState = error.code ?? '';
  if (sqlState === '23505') {
    const cause = new UniqueViolation(error.table ?? '', { cause: error });
    return new CountersignError('conflict', undefined, { cause });
  }
  if (isStalePlan(error)) return lost(error);
  const code = CODES[sqlState] ?? CODES[sqlState.slice(0, 3)] ?? CODES[sqlState.slice(0, 2)] ?? 'internal';
  if (code === 'unavailable' && !isRefusedLogin(error)) return lost(error);
  const detail = code === 'state_refused' ? 'The database is damaged.' : undefined;
  return new CountersignError(code, detail, { cause: error });
}

/** A replica of a newer version has changed a table under a prepared statement: another connection has none yet. */
function isStalePlan(error: pg.DatabaseError): boolean {
  return error.code === '0A000' && error.routine === 'RevalidateCachedQuery';
}

/** The user, the password or the database is refused: trying again does not help. */
export function isRefusedLogin(error: unknown): boolean {
  return error instanceof pg.DatabaseError && /^(28|3D)/.test(error.code ?? '');
}

function lost(cause: unknown): CountersignError {
  return new CountersignError('unavailable', 'The database cannot be reached.', {
    cause: new ConnectionLost(true, { cause }),
  });
}

/** The error of a commit: lost on the way, nobody knows whether it is stored, so it must not be tried again. */
export function fromCommit(error: unknown): CountersignError {
  const ours = fromPostgres(error);
  if (!(ours.cause instanceof ConnectionLost)) return ours;
  return new CountersignError('unavailable', 'It is not known whether this was stored.', {
    cause: new ConnectionLost(false, { cause: error }),
  });
}

/** Whether nothing was stored and another attempt may succeed. */
export function isRetryable(error: unknown): boolean {
  return isCountersignError(error, 'storage_busy') || isUndone(error);
}

/** Whether a transaction was given up for another one: 40001 or 40P01. */
export function hasLost(error: unknown): boolean {
  return (
    isCountersignError(error, 'storage_busy') &&
    error.cause instanceof pg.DatabaseError &&
    (error.cause.code === '40001' || error.cause.code === '40P01')
  );
}

/** Whether the server went away before a commit was asked for. */
export function isUndone(error: unknown): boolean {
  return isCountersignError(error) && error.cause instanceof ConnectionLost && error.cause.undone;
}
