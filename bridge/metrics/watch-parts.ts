import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import type { SequencedEventLog } from '../events/database-event-log.ts';
import type { Cache } from '../storage/cache.ts';
import type { Database } from '../storage/database.ts';
import { countEvents } from './count-events.ts';
import type { Metrics } from './metrics.ts';
import { watchEngine } from './watch-engine.ts';
import { watchCache, watchDatabase } from './watch-storage.ts';

interface Parts {
  readonly database: Database;
  readonly cache: Cache;
  readonly engine: TransformEngine;
}

/** The parts that everything else is built from, watched; the very same where nobody wants metrics. */
export function watchParts(parts: Parts, metrics: Metrics | undefined): Parts {
  if (metrics === undefined) return parts;
  return {
    database: watchDatabase(parts.database, metrics),
    cache: watchCache(parts.cache, metrics),
    engine: watchEngine(parts.engine, metrics),
  };
}

/** Counts what the log gives its place from now on. */
export function watchEvents(events: SequencedEventLog, metrics: Metrics | undefined): void {
  if (metrics === undefined) return;
  events.onPublished((published) => countEvents(metrics, published));
}
