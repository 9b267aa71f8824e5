import type { Database } from '../../bridge/storage/database.ts';
import { allRows, tableNames } from '../fakes/stored-tables.ts';

/** Every value of every table there is, as text: bytes as latin1, so that any others can be searched for in them. */
export async function storedTexts(database: Database): Promise<Map<string, string[]>> {
  const tables = await tableNames(database);
  return database.read(async (query) => {
    const found = new Map<string, string[]>();
    for (const name of tables) {
      const rows = await allRows(query, name);
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
