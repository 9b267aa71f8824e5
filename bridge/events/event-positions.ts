import { firstIdOf } from '../lib/ids.ts';
import type { Query } from '../storage/database.ts';
import { newestSeq } from './event-store.ts';

/** How many ids from a moment on are looked at first: as many as may be sequenced together lie in another order. */
const AROUND = 256;
/**
 * How many places before what was found are looked through for events of the moment or later, again and again until
 * there is none: seconds of the busiest log. Transactions are shorter, and the clocks of replicas nearer to each other.
 */
const LOOK_BACK = 10_000;

/** Where a moment divides the log. */
export interface TimeBoundary {
  /** All before this `seq` was reported before the moment. */
  readonly seq: number;
  /** Whether the event of this `seq` is there: from then on the boundary stays where it is. */
  readonly settled: boolean;
}

/**
 * The boundary of a moment (ms since the epoch): the first event in the log that was reported then or later. Places and
 * times are not in quite the same order, since what was reported first may be committed last; so windows of time are
 * windows of `seq` between two boundaries. Neighbours share one: no event is in both or in neither.
 */
export async function boundaryAt(query: Query, time: number): Promise<TimeBoundary> {
  // Read first: whatever gets its place in between is behind it.
  const end = (await newestSeq(query)) + 1;
  const id = firstIdOf(time);
  let seq = await firstAround(query, id);
  if (seq === undefined) return { seq: end, settled: false };
  for (let before = await firstBefore(query, seq, id); before !== undefined; ) {
    seq = before;
    before = await firstBefore(query, seq, id);
  }
  return { seq, settled: true };
}

async function firstAround(query: Query, id: string): Promise<number | undefined> {
  const rows = await query
    .selectFrom('events')
    .select('seq')
    .where('event_id', '>=', id)
    .where('seq', 'is not', null)
    .orderBy('event_id')
    .limit(AROUND)
    .execute();
  const seqs = rows.flatMap(({ seq }) => seq ?? []);
  return seqs.length === 0 ? undefined : Math.min(...seqs);
}

async function firstBefore(query: Query, seq: number, id: string): Promise<number | undefined> {
  const row = await query
    .selectFrom('events')
    .select('seq')
    .where('seq', '>=', seq - LOOK_BACK)
    .where('seq', '<', seq)
    .where('event_id', '>=', id)
    .orderBy('seq')
    .limit(1)
    .executeTakeFirst();
  return row?.seq ?? undefined;
}
