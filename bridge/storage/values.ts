import { CountersignError } from '../../protocol/errors.ts';

/** What a query may hold: the values that every driver gives back as they went in. */
export type Storable = null | string | number | Uint8Array;

/** SQLite takes a string up to the first U+0000, PostgreSQL none at all; half a surrogate pair would be changed. */
const UNSTORABLE = /[\0\p{Surrogate}]/u;

/**
 * A query's parameter, unless it is one that a store would coerce or cut.
 *
 * @throws `malformed_request` for a text that would not come back as it went in (an attacker may have sent it);
 *   `internal` for a type that no query may use.
 */
export function storable(value: unknown): Storable {
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
    return value + 0;
  }
  throw valueFault(`cannot bind a ${typeof value}: only text, safe integers, Uint8Array and null`);
}

export function valueFault(message: string): CountersignError {
  return new CountersignError('internal', undefined, { cause: new TypeError(message) });
}
