import { storable, valueFault } from '../values.ts';

/** What libsql takes. Everything else is kept from it: it aborts the process on a boolean. */
type Bound = null | string | number | bigint | Uint8Array;

const INT32_MAX = 2 ** 31 - 1;

/** A query's parameter as libsql takes it. Throws as `storable` does. */
export function toBound(value: unknown): Bound {
  const checked = storable(value);
  // libsql binds a number beyond 32 bits as a float
  return typeof checked === 'number' && Math.abs(checked) > INT32_MAX ? BigInt(checked) : checked;
}

/** A row with bytes as `Uint8Array` (libsql gives `ArrayBuffer`) and no integer that lost digits. */
export function fromRow(row: Record<string, unknown>): Record<string, unknown> {
  for (const column in row) {
    const value = row[column];
    if (value instanceof ArrayBuffer) {
      row[column] = new Uint8Array(value);
    } else if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
      throw valueFault(`${column} holds an integer beyond 2^53`);
    }
  }
  return row;
}
