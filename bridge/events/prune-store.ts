import type { Query, Transaction } from '../storage/database.ts';

/** How far the event log is pruned: `seq` 0 where it never was. */
export interface Pruned {
  readonly seq: number;
  /** When, milliseconds. */
  readonly time: number;
}

export async function readPruned(reader: Query | Transaction): Promise<Pruned> {
  const row = await reader
    .selectFrom('event_pruning')
    .select(['pruned', 'time_ms'])
    .where('log', '=', 'events')
    .executeTakeFirst();
  return { seq: row?.pruned ?? 0, time: row?.time_ms ?? 0 };
}

/** Says first how far it goes: from then on nobody is answered what is about to be deleted. */
export async function storePruned(tx: Transaction, { seq, time }: Pruned): Promise<void> {
  await tx
    .insertInto('event_pruning')
    .values({ log: 'events', pruned: seq, time_ms: time })
    .onConflict((conflict) => conflict.column('log').doUpdateSet({ pruned: seq, time_ms: time }))
    .execute();
}

/** Deletes up to `limit` of the oldest events that are pruned; answers how many. */
export async function deletePruned(tx: Transaction, seq: number, limit: number): Promise<number> {
  const oldest = tx.selectFrom('events').select('seq').where('seq', '<=', seq).orderBy('seq').limit(limit);
  const { numDeletedRows } = await tx
    .deleteFrom('events')
    .where('seq', 'in', oldest)
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}

/**
 * The last `seq` above `from` and not above `to` whose event was reported before `id` (`firstIdOf`); `from` where there
 * is none. Found by halving: in the order of `seq` the ids rise, but for what two replicas reported at the same time.
 */
export async function lastBefore(query: Query, id: string, from: number, to: number): Promise<number> {
  let [before, behind] = [from, to + 1];
  while (behind - before > 1) {
    const middle = Math.floor((before + behind) / 2);
    if (await isBefore(query, middle, id)) before = middle;
    else behind = middle;
  }
  return before;
}

async function isBefore(query: Query, seq: number, id: string): Promise<boolean> {
  const found = await eventIdOf(query, seq);
  return found !== undefined && found < id;
}

/** The id of the event `seq`; `undefined` where it is not there. */
export async function eventIdOf(query: Query, seq: number): Promise<string | undefined> {
  const row = await query.selectFrom('events').select('event_id').where('seq', '=', seq).executeTakeFirst();
  return row?.event_id;
}
