import { pause as pauseUntil } from '../lib/abortable.ts';
import { type Loop, startLoop } from '../lib/background.ts';
import { type Bell, createBell } from '../lib/bell.ts';
import type { Clock } from '../lib/clock.ts';
import { BUFFER_EVENTS, SINK_BUFFER_LOOK_MS, SINK_POLL_MS } from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import type { Keyspace } from '../storage/cache.ts';
import type { Database, Query } from '../storage/database.ts';
import type { SequencedEventLog } from './database-event-log.ts';
import { watchBuffers } from './delivery/buffer-watch.ts';
import { oldestNeeded } from './delivery/oldest-needed.ts';
import type { SinkDefinition, SinkDefinitions } from './delivery/sink-definition.ts';
import { createSinkLeases } from './delivery/sink-leases.ts';
import { createSinkWakes } from './delivery/sink-wakes.ts';
import { type SinkWorker, startSinkWorker } from './delivery/sink-worker.ts';

export interface DeliveryDeps {
  readonly database: Database;
  readonly log: Pick<SequencedEventLog, 'page' | 'append' | 'onPublished'>;
  readonly definitions: SinkDefinitions;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Tells other replicas that sinks were changed; the store alone holds the truth. */
  readonly cache?: Keyspace | undefined;
  /** Events that a sink may be behind before the oldest are given up. */
  readonly bufferEvents?: number;
  /** How waits between tries pass. Default: by a timer that the signal ends. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<unknown>;
  /** For tests: SINK_LEASE_MS. */
  readonly leaseMs?: number;
}

/**
 * Delivers events to the sinks: at least once, in order, each sink at its own pace, of several processes one at a time.
 * It follows behind the log and can neither undo nor delay what is reported.
 */
export interface Delivery {
  start(): void;
  /** Lets each sink take what there is for a moment more, then closes them. What is left comes after the next start. */
  stop(): Promise<void>;
  /**
   * Takes up what was changed of a sink, its replays and dead letters, here and in other replicas, and ends its pause
   * between tries: it may be the mending. It never rejects.
   */
  wake(sink: string): Promise<void>;
  /** The lowest `seq` whose content is still needed: what lies before it may be pruned. */
  oldestNeeded(query: Query): Promise<number>;
}

const CHANGED = 'sinks-changed';

export function createDelivery(deps: DeliveryDeps): Delivery {
  const { database, log, definitions, clock, logger, cache, bufferEvents = BUFFER_EVENTS } = deps;
  const bell = createBell();
  const wakes = createSinkWakes({ cache, logger });
  const leases = createSinkLeases({
    ...{ database, logger, builtin: definitions.builtin },
    ...(deps.leaseMs === undefined ? {} : { lifeMs: deps.leaseMs }),
  });
  const parts = { database, log, clock, logger, bell, leases };
  const workers = new Map<string, SinkWorker>();
  let loops: Loop[] = [];
  let unsubscribe: Promise<() => void> | undefined;
  log.onPublished(() => bell.ring());

  /** One worker for each sink that is enabled, as it is defined now. */
  async function follow(): Promise<void> {
    const wanted = (await definitions.list()).filter(({ status }) => status === 'enabled');
    const gone = [...workers.values()].filter(({ definition }) => !wanted.some(isSame(definition)));
    await Promise.all(gone.map((worker) => worker.stop({ last: false })));
    for (const { definition } of gone) workers.delete(definition.id);
    for (const definition of wanted) {
      if (!workers.has(definition.id)) workers.set(definition.id, startWorker(definition));
    }
  }

  function startWorker(definition: SinkDefinition): SinkWorker {
    const touched = wakes.listen(definition.id);
    const pause = (ms: number, signal: AbortSignal) => pauseUnless(touched.bell, ms, signal);
    const worker = startSinkWorker({ ...parts, pause }, definition);
    return {
      definition,
      async stop(how) {
        await worker.stop(how);
        touched.close();
      },
    };
  }

  /** Ends early where the bell rings. */
  async function pauseUnless(rung: Bell, ms: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const passed = (deps.pause ?? pauseUntil)(ms, either);
    await Promise.race([passed, rung.wait(rung.rings, ms, either)]);
    over.abort();
  }

  function wakeHere(): void {
    loops[0]?.wake();
    bell.ring();
  }

  async function listenToOthers(): Promise<() => void> {
    try {
      return (await cache?.onWake(CHANGED, wakeHere)) ?? (() => {});
    } catch (err) {
      logger.warn({ err }, 'other replicas’ changes of sinks are only polled for');
      return () => {};
    }
  }

  return {
    start() {
      if (loops.length > 0) return;
      leases.start();
      unsubscribe = listenToOthers();
      loops = [
        startLoop('sinks', SINK_POLL_MS, follow, { logger }),
        startLoop(
          'sink-buffers',
          SINK_BUFFER_LOOK_MS,
          async () => watchBuffers(parts, await definitions.list(), bufferEvents),
          { logger },
        ),
      ];
    },
    async stop() {
      (await unsubscribe)?.();
      await Promise.all(loops.map((loop) => loop.stop()));
      await Promise.all([...workers.values()].map((worker) => worker.stop({ last: true })));
      workers.clear();
      await leases.stop();
      loops = [];
    },
    async wake(sink) {
      wakeHere();
      await wakes.wake(sink);
      await cache
        ?.wake(CHANGED)
        .catch((err) => logger.warn({ err }, 'other replicas were not told of sinks'));
    },
    oldestNeeded: (query) => oldestNeeded(query, { bufferEvents, builtin: definitions.builtin }),
  };
}

function isSame({ id, revision }: SinkDefinition): (other: SinkDefinition) => boolean {
  return (other) => other.id === id && other.revision === revision;
}
