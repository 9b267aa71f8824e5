import { type Clock, seconds } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database, Query } from '../storage/database.ts';
import type { Metrics } from './metrics.ts';

export interface StateDeps {
  readonly database: Database;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The names of the sinks that events go to. */
  readonly sinks: readonly string[];
  /** What is against the bridge's readiness. */
  readonly reasons: () => Promise<readonly string[]>;
}

const STORED = [
  'countersign_events_staged',
  'countersign_key_log_staged',
  'countersign_event_sink_lag',
  'countersign_domains',
  'countersign_partners',
] as const;

/** Gauges of how the bridge stands, read when somebody looks. Where the database does not answer, they are absent. */
export function observeState(metrics: Metrics, deps: StateDeps): void {
  metrics.beforeReading(async () => {
    const remaining = deps.signer.onlineKeys().exp - seconds(deps.clock);
    metrics.set('countersign_online_keys_remaining_seconds', {}, remaining);
    metrics.set('countersign_ready', {}, (await deps.reasons()).length === 0 ? 1 : 0);
    for (const name of STORED) metrics.reset(name);
    try {
      await deps.database.read((query) => observeStore(metrics, query, deps.sinks));
    } catch (err) {
      deps.logger.warn({ err }, 'metrics: the database could not be read');
    }
  });
}

async function observeStore(metrics: Metrics, query: Query, sinks: readonly string[]): Promise<void> {
  const staged = await query
    .selectFrom('events')
    .select(({ fn }) => fn.countAll().as('count'))
    .where('seq', 'is', null)
    .executeTakeFirstOrThrow();
  metrics.set('countersign_events_staged', {}, Number(staged.count));
  const versions = await query
    .selectFrom('logged_versions')
    .select(({ fn }) => fn.countAll().as('count'))
    .where('position', 'is', null)
    .executeTakeFirstOrThrow();
  metrics.set('countersign_key_log_staged', {}, Number(versions.count));

  const cursors = await query.selectFrom('event_cursors').select(['sink', 'seq']).execute();
  const head = await query
    .selectFrom('log_heads')
    .select('size')
    .where('log', '=', 'events')
    .executeTakeFirst();
  for (const sink of sinks) {
    const taken = cursors.find((cursor) => cursor.sink === sink)?.seq ?? 0;
    metrics.set('countersign_event_sink_lag', { sink }, Math.max(0, (head?.size ?? 0) - taken));
  }
  await observeStatuses(metrics, query);
}

async function observeStatuses(metrics: Metrics, query: Query): Promise<void> {
  const domains = await query
    .selectFrom('domains')
    .select(['status', ({ fn }) => fn.countAll().as('count')])
    .groupBy('status')
    .execute();
  for (const { status, count } of domains) metrics.set('countersign_domains', { status }, Number(count));
  const partners = await query
    .selectFrom('partners')
    .select(['status', ({ fn }) => fn.countAll().as('count')])
    .groupBy('status')
    .execute();
  for (const { status, count } of partners) metrics.set('countersign_partners', { status }, Number(count));
}
