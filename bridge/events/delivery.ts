import { setTimeout as wait } from 'node:timers/promises';
import type { Sink } from '../../connectors/siem/sink.ts';
import { type Loop, startLoop } from '../lib/background.ts';
import { SEQUENCER_INTERVAL_MS } from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import type { Database } from '../storage/database.ts';
import type { SequencedEventLog } from './database-event-log.ts';
import { readCursor, storeCursor } from './event-cursors.ts';

/** Delivery goes on after a restart where it stood under this name. */
export type NamedSink = Sink & { readonly name: string };

export interface DeliveryDeps {
  readonly database: Database;
  readonly log: Pick<SequencedEventLog, 'page' | 'onPublished'>;
  readonly sinks: readonly NamedSink[];
  readonly logger: Logger;
  /** How waits between tries pass. Default: by a timer that the signal ends. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

/**
 * Delivers events to the sinks: at least once, in order, each sink at its own pace. It follows behind the log and can
 * neither undo nor delay what is reported: a sink that fails is tried again until it takes the batch.
 */
export interface Delivery {
  start(): void;
  /** Lets each sink take what there is for a moment more, then closes them. What is left comes after the next start. */
  stop(): Promise<void>;
}

export function createDelivery(deps: DeliveryDeps): Delivery {
  let loops: Loop[] = [];
  deps.log.onPublished(() => {
    for (const loop of loops) loop.wake();
  });
  return {
    start() {
      if (loops.length > 0) return;
      loops = deps.sinks.map((sink) =>
        startLoop(
          `deliver-${sink.name}`,
          SEQUENCER_INTERVAL_MS,
          (signal) => deliverAll(deps, sink, signal),
          deps,
        ),
      );
    },
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
      loops = [];
      await Promise.all(deps.sinks.map((sink) => deliverLast(deps, sink)));
    },
  };
}

/** Events handed to a sink at a time. */
const BATCH = 500;

/** Longest wait between tries: what comes after an outage arrives within a minute of its end. */
const LONGEST_PAUSE_MS = 60_000;
const FIRST_PAUSE_MS = 200;

/** For the events of the stop itself; an orchestrator does not wait long. */
const LAST_DELIVERY_MS = 2_000;

/** Full jitter: all of the wait is random, so that many bridges do not meet at a SIEM that comes back. */
export function retryPause(tries: number, random: () => number = Math.random): number {
  return random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries, 20));
}

async function deliverAll(deps: DeliveryDeps, sink: NamedSink, signal: AbortSignal): Promise<void> {
  const pause = deps.pause ?? pauseUntil;
  for (let failures = 0; !signal.aborted; ) {
    try {
      if (!(await deliverBatch(deps, sink, signal))) return;
      failures = 0;
    } catch (err) {
      if (signal.aborted) return;
      failures += 1;
      deps.logger.warn(
        { err, sink: sink.name, failures },
        'a sink did not take events; they are kept for it',
      );
      await pause(retryPause(failures), signal);
    }
  }
}

/** Whether there was anything. */
async function deliverBatch(deps: DeliveryDeps, sink: NamedSink, signal: AbortSignal): Promise<boolean> {
  const since = await readCursor(deps.database, sink.name);
  const events = await deps.log.page({ since, limit: BATCH });
  const last = events.at(-1);
  if (last === undefined) return false;
  await unlessAborted(sink.deliver(events, signal), signal);
  await storeCursor(deps.database, sink.name, last.seq);
  return true;
}

async function deliverLast(deps: DeliveryDeps, sink: NamedSink): Promise<void> {
  const signal = AbortSignal.timeout(LAST_DELIVERY_MS);
  try {
    while (!signal.aborted && (await deliverBatch(deps, sink, signal))) {
      // until nothing is left
    }
  } catch (err) {
    deps.logger.warn({ err, sink: sink.name }, 'a sink gets the last events after the next start');
  }
  try {
    await sink.close();
  } catch (err) {
    deps.logger.warn({ err, sink: sink.name }, 'a sink did not close');
  }
}

/** A sink that does not heed the signal must not hold up the stop. */
async function unlessAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let stop = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function pauseUntil(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => undefined);
}
