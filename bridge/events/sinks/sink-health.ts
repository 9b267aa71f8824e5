import { type ErrorCode, parseErrorCode } from '../../../protocol/errors.ts';
import { SINK_LAG_S } from '../../lib/limits.ts';
import type { Query } from '../../storage/database.ts';
import { countDeadLetters } from '../delivery/dead-letters.ts';
import { latestReplays, type Replay } from '../delivery/replays.ts';
import { waitingIn } from '../delivery/sink-buffer.ts';
import { listStates, type SinkState } from '../delivery/sink-states.ts';
import { newestSeq } from '../event-store.ts';
import type { ReplayView, SinkHealth, SinkStatus } from './sinks.ts';

/** How these sinks are, by id. `now` in milliseconds; `interval`: seconds for which a sink lets events wait, to go together. */
export async function readHealth(
  query: Query,
  sinks: readonly { readonly id: string; readonly status: SinkStatus; readonly interval?: number }[],
  { now, bufferEvents }: { readonly now: number; readonly bufferEvents: number },
): Promise<ReadonlyMap<string, SinkHealth>> {
  const newest = await newestSeq(query);
  const states = new Map((await listStates(query)).map((state) => [state.sink, state]));
  const letters = await countDeadLetters(query);
  const health = new Map<string, SinkHealth>();
  for (const { id, status, interval = 0 } of sinks) {
    const state = states.get(id);
    const settled = state?.settled ?? 0;
    const behind = Math.max(0, newest - settled);
    const waiting = state === undefined ? behind : waitingIn(state, newest);
    const lag = behind === 0 ? null : await ageOf(query, settled + 1, now);
    health.set(id, {
      ...{ state: stateOf(status, state, (lag ?? 0) - interval), settled, behind, lag_seconds: lag },
      buffer_percent: Math.round((1_000 * waiting) / bufferEvents) / 10,
      last_success: timeOrNull(state?.last_success),
      last_error: lastError(state),
      failures: state?.failures ?? 0,
      delivered: state?.delivered ?? 0,
      dead_letters: letters.get(id) ?? 0,
      dead_letters_forgotten: state?.forgotten ?? 0,
      replays: (await latestReplays(query, id)).map(replayView),
    });
  }
  return health;
}

export function replayView({ id, from_seq, to_seq, done_seq, status, created }: Replay): ReplayView {
  return { id, from_seq, to_seq, done_seq, status, created: new Date(created).toISOString() };
}

/** @param lag - seconds beyond what the sink waits by itself */
function stateOf(status: SinkStatus, state: SinkState | undefined, lag: number): SinkHealth['state'] {
  if (status === 'paused') return 'paused';
  if ((state?.failures ?? 0) > 0) return 'failing';
  return lag > SINK_LAG_S ? 'behind' : 'ok';
}

/** Seconds since the event was reported; the id says when that was. */
async function ageOf(query: Query, seq: number, now: number): Promise<number | null> {
  const row = await query
    .selectFrom('events')
    .select('event_id')
    .where('seq', '>=', seq)
    .orderBy('seq')
    .limit(1)
    .executeTakeFirst();
  if (row === undefined) return null;
  const reported = Number.parseInt(row.event_id.replace('-', '').slice(0, 12), 16);
  return Math.max(0, now - reported) / 1_000;
}

function lastError(state: SinkState | undefined): SinkHealth['last_error'] {
  if (state === undefined || state.error_time === null) return null;
  const code: ErrorCode = parseErrorCode(state.error_code) ?? 'sink_unavailable';
  return { time: new Date(state.error_time).toISOString(), code, detail: state.error_detail ?? '' };
}

function timeOrNull(ms: number | null | undefined): string | null {
  return ms === null || ms === undefined ? null : new Date(ms).toISOString();
}
