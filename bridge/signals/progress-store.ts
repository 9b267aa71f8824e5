import type { Query, Transaction } from '../storage/database.ts';

/** The one row. */
const ID = 1;

/** The `seq` up to which events have become signals; `undefined` before the first start. */
export async function readProgress(reader: Query | Transaction): Promise<number | undefined> {
  const row = await reader
    .selectFrom('signal_progress')
    .select('seq')
    .where('id', '=', ID)
    .executeTakeFirst();
  return row?.seq;
}

/** Moves the place on from `from`, which must be the stored one; answers it. */
export async function advanceProgress(
  tx: Transaction,
  from: number | undefined,
  seq: number,
): Promise<number> {
  if (from === undefined) await tx.insertInto('signal_progress').values({ id: ID, seq }).execute();
  else
    await tx
      .updateTable('signal_progress')
      .set({ seq })
      .where('id', '=', ID)
      .where('seq', '=', from)
      .execute();
  return seq;
}

/** The lowest `seq` whose content has not become signals yet; beyond all of them where none is to become any. */
export async function oldestToSignal(reader: Query | Transaction): Promise<number> {
  return ((await readProgress(reader)) ?? Number.MAX_SAFE_INTEGER - 1) + 1;
}
