import { sql } from 'kysely';
import type { Database } from '../../bridge/storage/database.ts';
import { allRows, tableNames } from './stored-tables.ts';

/** All rows of a store as they were at one moment: a backup that goes into any store of the same schema. */
export type StoreSnapshot = ReadonlyMap<string, readonly Record<string, unknown>[]>;

export async function takeSnapshot(database: Database): Promise<StoreSnapshot> {
  const tables = (await tableNames(database)).filter((name) => name !== 'schema_migrations');
  return database.transaction(async (tx) => {
    const rows = new Map<string, Record<string, unknown>[]>();
    for (const table of tables) rows.set(table, await allRows(tx, table));
    return rows;
  });
}

/** Puts it back: what the store has is gone. */
export async function putBack(database: Database, snapshot: StoreSnapshot): Promise<void> {
  const tables = [...snapshot.keys()].sort((one, other) => rankOf(one) - rankOf(other));
  await database.transaction(async (tx) => {
    for (const table of tables.toReversed()) await sql`delete from ${sql.table(table)}`.execute(tx);
    for (const table of tables) {
      for (const row of snapshot.get(table) ?? []) {
        await tx
          .insertInto(table as never)
          .values(row as never)
          .execute();
      }
    }
  });
}

/** What others refer to comes first. */
const FIRST = ['persons', 'connections', 'domains', 'groups'];

function rankOf(table: string): number {
  const rank = FIRST.indexOf(table);
  return rank < 0 ? FIRST.length : rank;
}
