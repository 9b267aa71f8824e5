import { CountersignError } from '../../../protocol/errors.ts';

/** What libsql takes. Everything else is kept from it: it aborts the process on a boolean. */
type Bound = null | string | number | bigint | Uint8Array;

/** SQLite takes a string up to the first U+0000; half a surrogate pair would turn into another character. */
const UNSTORABLE = /[\0\p{Surrogate}]/u;

const INT32_MAX = 2 ** 31 - 1;

/**
 * A query's parameter as libsql takes it.
 *
 * @throws `malformed_request` for a text that would not come back as it went in (an attacker may have sent it);
 *   `internal` for a type that no query may use.
 */
export function toBound(value: unknown): Bound {
  if (value === null || value instanceof Uint8Array) {
    return value;
  }
  if (typeof value === 'string') {
    if (UNSTORABLE.test(value)) {
      throw new CountersignError('malformed_request', 'A text holds a character that cannot be stored.');
    }
    return value;
  }
  if (typeof value === 'number' && Number.isSafeInteger(value)) {
    // libsql binds a number beyond 32 bits (and -0) as a float
    return Math.abs(value) > INT32_MAX ? BigInt(value) : value + 0;
  }
  throw fault(`cannot bind a ${typeof value}: only text, safe integers, Uint8Array and null`);
}

/** A row with bytes as `Uint8Array` (libsql gives `ArrayBuffer`) and no integer that lost digits. */
export function fromRow(row: Record<string, unknown>): Record<string, unknown> {
  for (const [column, value] of Object.entries(row)) {
    if (value instanceof ArrayBuffer) {
      row[column] = new Uint8Array(value);
    } else if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
      throw fault(`${column} holds an integer beyond 2^53`);
    }
  }
  return row;
}

function fault(message: string): CountersignError {
  return new CountersignError('internal', undefined, { cause: new TypeError(message) });
}
