import { SINK_REPLAYS } from '../../lib/limits.ts';
import type { Query, Transaction } from '../../storage/database.ts';
import type { SinkReplaysTable } from '../../storage/tables/events.ts';

export type Replay = Readonly<SinkReplaysTable>;

export async function insertReplay(tx: Transaction, replay: SinkReplaysTable): Promise<void> {
  await tx.insertInto('sink_replays').values(replay).execute();
}

/** The latest of a sink, newest first. */
export async function latestReplays(query: Query, sink: string): Promise<Replay[]> {
  return query
    .selectFrom('sink_replays')
    .selectAll()
    .where('sink', '=', sink)
    .orderBy('id', 'desc')
    .limit(SINK_REPLAYS)
    .execute();
}

/** The oldest that runs: they come one after the other. */
export async function runningReplay(query: Query, sink: string): Promise<Replay | undefined> {
  return query
    .selectFrom('sink_replays')
    .selectAll()
    .where('sink', '=', sink)
    .where('status', '=', 'running')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
}

export async function findReplay(query: Query, sink: string, id: string): Promise<Replay | undefined> {
  return query
    .selectFrom('sink_replays')
    .selectAll()
    .where('sink', '=', sink)
    .where('id', '=', id)
    .executeTakeFirst();
}

export async function countRunning(query: Query, sink: string): Promise<number> {
  const { running } = await query
    .selectFrom('sink_replays')
    .select(({ fn }) => fn.countAll().as('running'))
    .where('sink', '=', sink)
    .where('status', '=', 'running')
    .executeTakeFirstOrThrow();
  return Number(running);
}

/** Moves one that runs; `false` for one that was cancelled. */
export async function moveReplay(
  tx: Transaction,
  id: string,
  change: Partial<Pick<SinkReplaysTable, 'done_seq' | 'status'>>,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('sink_replays')
    .set(change)
    .where('id', '=', id)
    .where('status', '=', 'running')
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

/** Forgets those that have ended, but for the latest. */
export async function forgetReplays(tx: Transaction, sink: string): Promise<void> {
  const kept = (await latestReplays(tx, sink)).map(({ id }) => id);
  let deletion = tx.deleteFrom('sink_replays').where('sink', '=', sink).where('status', '<>', 'running');
  if (kept.length > 0) deletion = deletion.where('id', 'not in', kept);
  await deletion.execute();
}

export async function deleteReplays(tx: Transaction, sink: string): Promise<void> {
  await tx.deleteFrom('sink_replays').where('sink', '=', sink).execute();
}
