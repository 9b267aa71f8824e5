import { countDomains } from '../directory/domains.ts';
import { countStagedEvents } from '../events/event-store.ts';
import type { SinkView } from '../events/sinks/sinks.ts';
import { countPartners } from '../federation/partner-store.ts';
import type { LogStatus } from '../keylog/log-status.ts';
import { countStagedVersions } from '../keylog/version-store.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { findKeyAge } from '../signer/key-age.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database, Query } from '../storage/database.ts';
import type { Metrics } from './metrics.ts';
import { forgetLog, observeLog } from './observe-log.ts';
import { forgetSignals, observeSignals, type SignalState } from './observe-signals.ts';
import { forgetSinks, observeSinks } from './observe-sinks.ts';

export interface StateDeps {
  readonly database: Database;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The sinks that events go to, and how they stand. */
  readonly sinks: () => Promise<readonly SinkView[]>;
  /** Signals to others. */
  readonly signals: () => Promise<SignalState>;
  readonly readiness: () => Promise<{ readonly status: 'ready' | 'degraded' | 'not_ready' }>;
  readonly logStatus: () => Promise<LogStatus>;
  /** The witness that this bridge is of others, if it is one. */
  readonly witness?: { reasons(): Promise<readonly string[]> } | undefined;
}

const STORED = [
  'countersign_events_staged',
  'countersign_key_log_staged',
  'countersign_domains',
  'countersign_partners',
  'countersign_witness_refusing',
  'countersign_encryption_key_age_seconds',
] as const;

/** Gauges of how the bridge stands, read when somebody looks. Where the database does not answer, they are absent. */
export function observeState(metrics: Metrics, deps: StateDeps): void {
  metrics.beforeReading(async () => {
    const remaining = deps.signer.onlineKeys().exp - seconds(deps.clock);
    metrics.set('countersign_online_keys_remaining_seconds', {}, remaining);
    const { status } = await deps.readiness();
    metrics.set('countersign_ready', {}, status === 'not_ready' ? 0 : 1);
    metrics.set('countersign_degraded', {}, status === 'degraded' ? 1 : 0);
    for (const name of STORED) metrics.reset(name);
    forgetLog(metrics);
    forgetSinks(metrics);
    forgetSignals(metrics);
    try {
      await deps.database.read((query) => observeStore(metrics, query));
      const age = await deps.database.read(findKeyAge);
      if (age !== undefined) {
        metrics.set('countersign_encryption_key_age_seconds', {}, seconds(deps.clock) - age.since);
      }
      observeSinks(metrics, await deps.sinks());
      observeSignals(metrics, await deps.signals(), seconds(deps.clock));
      observeLog(metrics, await deps.logStatus(), seconds(deps.clock));
      const refusing = await deps.witness?.reasons();
      if (refusing !== undefined)
        metrics.set('countersign_witness_refusing', {}, Math.min(refusing.length, 1));
    } catch (err) {
      deps.logger.warn({ err }, 'metrics: the database could not be read');
    }
  });
}

async function observeStore(metrics: Metrics, query: Query): Promise<void> {
  metrics.set('countersign_events_staged', {}, await countStagedEvents(query));
  metrics.set('countersign_key_log_staged', {}, await countStagedVersions(query));
  for (const [status, count] of await countDomains(query)) {
    metrics.set('countersign_domains', { status }, count);
  }
  for (const [status, count] of await countPartners(query)) {
    metrics.set('countersign_partners', { status }, count);
  }
}
