import { sql } from 'kysely';
import type { Database } from '../../bridge/storage/database.ts';

/** Every value of every table there is, as text: bytes as latin1, so that any others can be searched for in them. */
export async function storedTexts(database: Database): Promise<Map<string, string[]>> {
  return database.read(async (query) => {
    const { rows: tables } = await (database.dialect === 'sqlite'
      ? sql<{ name: string }>`select name from sqlite_master where type = 'table'`
      : sql<{ name: string }>`select tablename as name from pg_tables where schemaname = current_schema()`
    ).execute(query as never);
    const found = new Map<string, string[]>();
    for (const { name } of tables) {
      const { rows } = await sql<object>`select * from ${sql.table(name)}`.execute(query as never);
      found.set(name, rows.flatMap(Object.values).map(textOf));
    }
    return found;
  });
}

function textOf(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value);
}

/** The tables that have any of these texts somewhere, but for the log of events. */
export async function tablesWith(database: Database, texts: readonly string[]): Promise<string[]> {
  const stored = await storedTexts(database);
  return [...stored]
    .filter(([table]) => table !== 'events')
    .filter(([, values]) => values.some((value) => texts.some((text) => value.includes(text))))
    .map(([table]) => table)
    .sort();
}
