import { firstIdOf } from '../lib/ids.ts';
import type { Query } from '../storage/database.ts';
import { newestSeq } from './event-store.ts';

/**
 * How many ids around a moment are looked at. The ids of replicas sort by time, and their places in the log nearly so:
 * as many as may be sequenced together lie in another order.
 */
const AROUND = 256;

/**
 * The `seq` behind which the events of `time` (ms since the epoch) and later stand, with perhaps a few from just before; the
 * newest one where there are none.
 */
export async function seqBefore(query: Query, time: number): Promise<number> {
  const rows = await query
    .selectFrom('events')
    .select('seq')
    .where('event_id', '>=', firstIdOf(time))
    .where('seq', 'is not', null)
    .orderBy('event_id')
    .limit(AROUND)
    .execute();
  const seqs = rows.flatMap(({ seq }) => seq ?? []);
  return seqs.length === 0 ? newestSeq(query) : Math.min(...seqs) - 1;
}
