import type { Query, Transaction } from '../storage/database.ts';

/** The one row. */
const ID = 1;

/** The `seq` up to which meetings here were told of events; `undefined` before the first start. */
export async function readProgress(query: Query): Promise<number | undefined> {
  const row = await query
    .selectFrom('meeting_progress')
    .select('seq')
    .where('id', '=', ID)
    .executeTakeFirst();
  return row?.seq;
}

/** Moves it on; never back, as replicas read at their own pace and say the same. */
export async function storeProgress(tx: Transaction, seq: number): Promise<void> {
  await tx
    .insertInto('meeting_progress')
    .values({ id: ID, seq })
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet({ seq }).where('meeting_progress.seq', '<', seq),
    )
    .execute();
}
