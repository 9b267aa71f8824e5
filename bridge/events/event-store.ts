import { CountersignError } from '../../protocol/errors.ts';
import { firstIdOf } from '../lib/ids.ts';
import type { Query, Transaction } from '../storage/database.ts';
import { repeatedStatement } from '../storage/repeated-statement.ts';
import type { EventsTable } from '../storage/tables/events.ts';
import { type LogHead, readHead } from '../tlog/log-heads.ts';
import { type EventBody, eventHash, type StoredEvent } from './event.ts';

/** Stores events without a place: `seq` and the hash link come after commit. */
export async function stageEvents(tx: Transaction, bodies: readonly EventBody[]): Promise<void> {
  await insertStaged(
    tx,
    bodies.map((body) => ({ event_id: body.event_id, body: JSON.stringify(body) })),
  );
}

const insertStaged = repeatedStatement((tx, rows: Pick<EventsTable, 'event_id' | 'body'>[]) =>
  tx.insertInto('events').values(rows),
);

/** An event that has no place yet. */
export interface StagedEvent {
  readonly body: EventBody;
  /** The body as it is stored. */
  readonly text: string;
}

/** Events that have no place yet, oldest first: UUIDv7 sorts by time, and within one process strictly. */
export async function stagedEvents(query: Query, limit: number): Promise<StagedEvent[]> {
  const rows = await query
    .selectFrom('events')
    .select('body')
    .where('seq', 'is', null)
    .orderBy('event_id')
    .limit(limit)
    .execute();
  return rows.map(({ body }) => ({ body: JSON.parse(body), text: body }));
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
  events: readonly StagedEvent[],
  head: LogHead,
): Promise<LogHead> {
  const places = link(events, head);
  if ((await storePlaces(tx, places)) !== places.length) {
    throw new CountersignError('conflict', 'another sequencer placed an event');
  }
  const last = places.at(-1);
  return last === undefined ? head : { size: last.seq, hash: last.hash };
}

interface Place {
  readonly event_id: string;
  readonly body: string;
  readonly seq: number;
  readonly prev: string;
  readonly hash: string;
}

function link(events: readonly StagedEvent[], head: LogHead): Place[] {
  let { size: seq, hash } = head;
  return events.map(({ body, text }) => {
    const prev = hash;
    seq += 1;
    hash = eventHash({ ...body, seq, prev });
    return { event_id: body.event_id, body: text, seq, prev, hash };
  });
}

/** One statement for many rows, in the form that both databases have: the rows exist, so each of them conflicts. */
const storePlaces = repeatedStatement((tx, places: Place[]) =>
  tx
    .insertInto('events')
    .values(places)
    .onConflict((conflict) =>
      conflict
        .column('event_id')
        .doUpdateSet(({ ref }) => ({
          seq: ref('excluded.seq'),
          prev: ref('excluded.prev'),
          hash: ref('excluded.hash'),
        }))
        .where('events.seq', 'is', null),
    ),
);

/** Up to `limit` events behind `since`, in the order of `seq`. */
export async function readEvents(query: Query, since: number, limit: number): Promise<StoredEvent[]> {
  const rows = await query
    .selectFrom('events')
    .select(['seq', 'body', 'prev', 'hash'])
    .where('seq', '>', since)
    .orderBy('seq')
    .limit(limit)
    .execute();
  return rows.map(storedEvent);
}

/** The events of these `seq`s, in their order; those that are not there are left out. */
export async function readEventsOf(query: Query, seqs: readonly number[]): Promise<StoredEvent[]> {
  if (seqs.length === 0) return [];
  const rows = await query
    .selectFrom('events')
    .select(['seq', 'body', 'prev', 'hash'])
    .where('seq', 'in', [...seqs])
    .orderBy('seq')
    .execute();
  return rows.map(storedEvent);
}

function storedEvent({ body, seq, prev, hash }: Omit<EventsTable, 'event_id'>): StoredEvent {
  const parsed: EventBody = JSON.parse(body);
  return { ...parsed, seq: seq ?? 0, prev: prev ?? '', hash: hash ?? '' };
}

/** What holds an event in its place. */
export type EventLink = Pick<StoredEvent, 'seq' | 'prev' | 'hash'>;

/** The links of up to `limit` events behind `since`, in the order of `seq`: those that are there. */
export async function eventLinks(query: Query, since: number, limit: number): Promise<EventLink[]> {
  const rows = await query
    .selectFrom('events')
    .select(['seq', 'prev', 'hash'])
    .where('seq', '>', since)
    .orderBy('seq')
    .limit(limit)
    .execute();
  return rows.map(({ seq, prev, hash }) => ({ seq: seq ?? 0, prev: prev ?? '', hash: hash ?? '' }));
}
