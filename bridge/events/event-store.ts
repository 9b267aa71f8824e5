import { CountersignError } from '../../protocol/errors.ts';
import type { Query, Transaction } from '../storage/database.ts';
import type { LogHead } from '../tlog/sequencer.ts';
import { type EventBody, eventHash, type StoredEvent } from './event.ts';

/** Stores events without a place: `seq` and the hash link come after commit. */
export async function stageEvents(tx: Transaction, bodies: readonly EventBody[]): Promise<void> {
  const rows = bodies.map((body) => ({ event_id: body.event_id, body: JSON.stringify(body) }));
  await tx.insertInto('events').values(rows).execute();
}

/** Events that have no place yet, oldest first: UUIDv7 sorts by time, and within one process strictly. */
export async function stagedEvents(query: Query, limit: number): Promise<EventBody[]> {
  const rows = await query
    .selectFrom('events')
    .select('body')
    .where('seq', 'is', null)
    .orderBy('event_id')
    .limit(limit)
    .execute();
  return rows.map((row) => JSON.parse(row.body));
}

/** Links events behind the head; answers the hash of the last. Throws `conflict` for one that has its place already. */
export async function placeEvents(
  tx: Transaction,
  bodies: readonly EventBody[],
  head: LogHead,
): Promise<string> {
  let { size: seq, hash: prev } = head;
  for (const body of bodies) {
    seq += 1;
    const hash = eventHash({ ...body, seq, prev });
    const { numUpdatedRows } = await tx
      .updateTable('events')
      .set({ seq, prev, hash })
      .where('event_id', '=', body.event_id)
      .where('seq', 'is', null)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows !== 1n) throw new CountersignError('conflict', 'another sequencer placed the event');
    prev = hash;
  }
  return prev;
}

/** Up to `limit` events behind `since`, in the order of `seq`. */
export async function readEvents(query: Query, since: number, limit: number): Promise<StoredEvent[]> {
  const rows = await query
    .selectFrom('events')
    .select(['seq', 'body', 'prev', 'hash'])
    .where('seq', '>', since)
    .orderBy('seq')
    .limit(limit)
    .execute();
  return rows.map(({ body, seq, prev, hash }) => {
    const parsed: EventBody = JSON.parse(body);
    return { ...parsed, seq: seq ?? 0, prev: prev ?? '', hash: hash ?? '' };
  });
}
