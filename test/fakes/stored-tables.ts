import { sql } from 'kysely';
import type { Database, Query } from '../../bridge/storage/database.ts';

/** The names of all tables there are. */
export async function tableNames(database: Database): Promise<string[]> {
  const names =
    database.dialect === 'sqlite'
      ? sql<{
          name: string;
        }>`select name from sqlite_master where type = 'table' and name not like 'sqlite_%'`
      : sql<{ name: string }>`select tablename as name from pg_tables where schemaname = current_schema()`;
  return database.read(async (query) => (await names.execute(query as never)).rows.map(({ name }) => name));
}

/** Every row of a table, in whichever order. */
export async function allRows(query: Query, table: string): Promise<Record<string, unknown>[]> {
  const all = sql<Record<string, unknown>>`select * from ${sql.table(table)}`;
  return (await all.execute(query as never)).rows;
}
