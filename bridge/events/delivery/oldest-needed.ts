import type { Query } from '../../storage/database.ts';
import { newestSeq } from '../event-store.ts';
import { listStates } from './sink-states.ts';

/**
 * The lowest `seq` whose content a sink or a replay still needs; one above the newest where none needs any. What a sink
 * is behind by more than `bufferEvents` is given up, so it is not needed. Refused events (dead letters) keep nothing.
 */
export async function oldestNeeded(query: Query, bufferEvents: number): Promise<number> {
  const newest = await newestSeq(query);
  const settled = (await listStates(query)).map((state) => Math.max(state.settled, newest - bufferEvents));
  const replays = await query
    .selectFrom('sink_replays')
    .select('done_seq')
    .where('status', '=', 'running')
    .execute();
  return Math.min(newest, ...settled, ...replays.map(({ done_seq: done }) => done)) + 1;
}
