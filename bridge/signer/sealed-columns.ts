import { sql } from 'kysely';
import { CountersignError } from '../../protocol/errors.ts';
import type { Query, Transaction } from '../storage/database.ts';
import type { Tables } from '../storage/tables.ts';
import type { SealContext } from './signer.ts';

type Cell = string | number | Uint8Array | null;
export type SealedRow = Readonly<Record<string, Cell>>;

/**
 * A column whose values the signer sealed, as it is known beside its store: what a change of the key-encryption key must
 * reach. Whoever seals another column lists it; test/rotation/sealed-columns.test.ts finds the one that is on no list.
 */
export interface SealedColumn {
  readonly table: keyof Tables;
  readonly column: string;
  /** The primary key, in its order. */
  readonly key: readonly string[];
  /** What else `context` reads. */
  readonly reads?: readonly string[];
  /** What the value of this row is sealed in. */
  readonly context: (row: SealedRow) => SealContext;
}

/** A text of a row. */
export function textOf(row: SealedRow, column: string): string {
  const value = row[column];
  if (typeof value === 'string') return value;
  throw new CountersignError('internal', undefined, { cause: new TypeError(`${column} is no text`) });
}

/** A number of a row. */
export function numberOf(row: SealedRow, column: string): number {
  const value = row[column];
  if (typeof value === 'number') return value;
  throw new CountersignError('internal', undefined, { cause: new TypeError(`${column} is no number`) });
}

/** Bytes of a row. */
export function bytesOf(row: SealedRow, column: string): Uint8Array {
  const value = row[column];
  if (value instanceof Uint8Array) return value;
  throw new CountersignError('internal', undefined, { cause: new TypeError(`${column} is not bytes`) });
}

/** The next rows in the order of their keys, from the one after `after`; those without a value are left out. */
export async function sealedRows(
  query: Query,
  { table, column, key, reads = [] }: SealedColumn,
  { after, limit }: { after: SealedRow | undefined; limit: number },
): Promise<SealedRow[]> {
  const keys = sql.join(key.map((name) => sql.ref(name)));
  const columns = sql.join([...new Set([...key, ...reads, column])].map((name) => sql.ref(name)));
  const behind =
    after === undefined
      ? sql`1 = 1`
      : sql`(${keys}) > (${sql.join(key.map((name) => sql.val(after[name] ?? null)))})`;
  const rows = sql<SealedRow>`(
    select ${columns} from ${sql.table(table)}
    where ${sql.ref(column)} is not null and ${behind}
    order by ${keys} limit ${sql.lit(limit)})`;
  return query.selectFrom(rows.as('sealed_rows')).selectAll().execute();
}

/** Puts other bytes in the place of exactly these; `false` if somebody changed or deleted them meanwhile. */
export async function replaceSealed(
  transaction: Transaction,
  { table, column, key }: SealedColumn,
  row: SealedRow,
  sealed: Uint8Array,
): Promise<boolean> {
  const conditions = [...key, column].map((name) => sql`${sql.ref(name)} = ${sql.val(row[name] ?? null)}`);
  const { numAffectedRows } = await sql`
    update ${sql.table(table)} set ${sql.ref(column)} = ${sql.val(sealed)}
    where ${sql.join(conditions, sql` and `)}`.execute(transaction);
  return numAffectedRows === 1n;
}
