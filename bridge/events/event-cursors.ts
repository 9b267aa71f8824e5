import type { Database, Query } from '../storage/database.ts';

/** The `seq` up to which a sink has taken the events; 0 for one that is new, which gets them all. */
export async function readCursor(database: Database, sink: string): Promise<number> {
  return database.read((query) => cursorOf(query, sink));
}

/** The same, within a read. */
export async function cursorOf(query: Query, sink: string): Promise<number> {
  const row = await query
    .selectFrom('event_cursors')
    .select('seq')
    .where('sink', '=', sink)
    .executeTakeFirst();
  return row?.seq ?? 0;
}

/** Moves a cursor forward; never back, where another replica was faster. */
export async function storeCursor(database: Database, sink: string, seq: number): Promise<void> {
  await database.transaction((tx) =>
    tx
      .insertInto('event_cursors')
      .values({ sink, seq })
      .onConflict((conflict) =>
        conflict.column('sink').doUpdateSet({ seq }).where('event_cursors.seq', '<', seq),
      )
      .execute(),
  );
}
