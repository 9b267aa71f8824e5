import pg from 'pg';
import { valueFault } from '../values.ts';

const { builtins } = pg.types;

/**
 * Columns as the port gives them (database.ts): `bigint` as a safe integer, `bytea` as a plain `Uint8Array`, and what
 * only expressions have, `numeric` of a sum and `boolean` of a comparison, as the integers that SQLite makes of them.
 */
export const COLUMN_TYPES: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number) => PARSERS.get(oid) ?? String) as typeof pg.types.getTypeParser,
};

const PARSERS = new Map<number, (text: string) => unknown>([
  [builtins.INT2, integer],
  [builtins.INT4, integer],
  [builtins.INT8, integer],
  [builtins.NUMERIC, integer],
  [builtins.BOOL, (text) => (text === 't' ? 1 : 0)],
  [builtins.BYTEA, bytes],
]);

function integer(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw valueFault('a column holds a number that is no safe integer');
  return value;
}

/** `bytea_output` is hex, the server's default, which every connection sets anew. */
function bytes(text: string): Uint8Array {
  if (!text.startsWith('\\x')) throw valueFault('a column of bytes is not in hexadecimal form');
  return Uint8Array.from(Buffer.from(text.slice(2), 'hex'));
}
