import { CountersignError } from '../../protocol/errors.ts';
import { firstIdOf } from '../lib/ids.ts';
import type { Query, Transaction } from '../storage/database.ts';
import { type LogHead, readHead } from '../tlog/log-heads.ts';
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

/** Whether an event staged before `time` (ms since the epoch) still has no place. */
export async function hasStagedEventBefore(query: Query, time: number): Promise<boolean> {
  const row = await query
    .selectFrom('events')
    .select('event_id')
    .where('seq', 'is', null)
    .where('event_id', '<', firstIdOf(time))
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** How many events have no place yet. */
export async function countStagedEvents(query: Query): Promise<number> {
  const { count } = await query
    .selectFrom('events')
    .select(({ fn }) => fn.countAll().as('count'))
    .where('seq', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** The `seq` of the newest event that has its place; 0 before the first. */
export async function newestSeq(query: Query): Promise<number> {
  return (await readHead(query, 'events'))?.size ?? 0;
}

/** Links events behind the head; answers the new one. Throws `conflict` for one that has its place already. */
export async function placeEvents(
  tx: Transaction,
  bodies: readonly EventBody[],
  head: LogHead,
): Promise<LogHead> {
  const events = link(bodies, head);
  for (let start = 0; start < events.length; start += ROWS_OF_STATEMENT) {
    await storePlaces(tx, events.slice(start, start + ROWS_OF_STATEMENT));
  }
  const last = events.at(-1);
  return last === undefined ? head : { size: last.seq, hash: last.hash };
}

/** Five parameters each: far below what either database takes. */
const ROWS_OF_STATEMENT = 100;

type Place = Pick<StoredEvent, 'seq' | 'prev' | 'hash'> & { readonly body: EventBody };

function link(bodies: readonly EventBody[], head: LogHead): Place[] {
  let { size: seq, hash } = head;
  return bodies.map((body) => {
    const prev = hash;
    seq += 1;
    hash = eventHash({ ...body, seq, prev });
    return { body, seq, prev, hash };
  });
}

/** One statement for many rows, in the form that both databases have: the rows exist, so each of them conflicts. */
async function storePlaces(tx: Transaction, places: readonly Place[]): Promise<void> {
  const rows = places.map(({ body, ...place }) => ({
    event_id: body.event_id,
    body: JSON.stringify(body),
    ...place,
  }));
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('events')
    .values(rows)
    .onConflict((conflict) =>
      conflict
        .column('event_id')
        .doUpdateSet(({ ref }) => ({
          seq: ref('excluded.seq'),
          prev: ref('excluded.prev'),
          hash: ref('excluded.hash'),
        }))
        .where('events.seq', 'is', null),
    )
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows !== BigInt(rows.length)) {
    throw new CountersignError('conflict', 'another sequencer placed an event');
  }
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
