import type { Query } from '../../storage/database.ts';
import { newestSeq } from '../event-store.ts';
import { boundedPlace } from './sink-buffer.ts';
import { listStates } from './sink-states.ts';

/**
 * The lowest `seq` whose content a sink or a replay still needs; one above the newest where none needs any. What a sink
 * is behind by more than `bufferEvents` is given up, so it is not needed. Refused events (dead letters) keep nothing,
 * nor does what is left of a sink that the configuration had: `builtin` are those that it has.
 */
export async function oldestNeeded(
  query: Query,
  { bufferEvents, builtin }: { readonly bufferEvents: number; readonly builtin: readonly string[] },
): Promise<number> {
  const newest = await newestSeq(query);
  const stored = await query.selectFrom('sinks').select('id').execute();
  const sinks = new Set([...builtin, ...stored.map(({ id }) => id)]);
  const settled = (await listStates(query))
    .filter(({ sink }) => sinks.has(sink))
    .map((state) => boundedPlace(state, { newest, bufferEvents }));
  const replays = await query
    .selectFrom('sink_replays')
    .select('done_seq')
    .where('status', '=', 'running')
    .execute();
  return Math.min(newest, ...settled, ...replays.map(({ done_seq: done }) => done)) + 1;
}
