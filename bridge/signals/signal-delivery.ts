import type { SequencedEventLog } from '../events/database-event-log.ts';
import type { EventLog } from '../events/event-log.ts';
import { type Loop, startLoop } from '../lib/background.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import {
  SIGNAL_BATCH,
  SIGNAL_LEASE_S,
  SIGNAL_POLL_MS,
  SIGNAL_QUEUE_LENGTH,
  SIGNAL_QUEUE_LIFE_S,
  SIGNAL_RETRY_MAX_MS,
} from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import type { Outbound } from '../lib/outbound.ts';
import type { Database } from '../storage/database.ts';
import type { Destination, Destinations } from './destinations.ts';
import { givenUp } from './given-up.ts';
import { pushToken } from './push.ts';
import {
  deleteQueue,
  holdQueue,
  nextSignals,
  type QueueOutcome,
  settleQueue,
  trimQueue,
  waitingQueues,
} from './queue-store.ts';
import type { QueuedSignal } from './signal.ts';
import type { SignalProjection } from './signal-projection.ts';

export interface SignalDeliveryDeps {
  readonly database: Database;
  readonly outbound: Outbound;
  readonly events: Pick<EventLog, 'record'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly projection: SignalProjection;
  readonly destinations: Destinations;
  /** Calls the listener after events got their place in the log. */
  readonly onPublished: SequencedEventLog['onPublished'];
  /** Told of every queue that got signals: of those that are polled too. */
  readonly onQueued?: (queue: string) => void;
}

/** Makes signals of events as they come, and brings them to their receivers: each in order, at its own pace. */
export interface SignalDelivery {
  start(): void;
  stop(): Promise<void>;
  /** Something was put into this queue by itself, or where it goes was changed: it is tried at once, however often it failed. */
  wake(queue: string): void;
}

interface Sending {
  running: Promise<void> | undefined;
  failures: number;
  /** Of the process' own clock, milliseconds. */
  notBefore: number;
  /** It was asked for meanwhile: whatever comes of the try that runs, another one follows at once. */
  again: boolean;
}

export function createSignalDelivery(deps: SignalDeliveryDeps): SignalDelivery {
  const { database, clock, logger } = deps;
  const holder = newId();
  const sending = new Map<string, Sending>();
  let loop: Loop | undefined;
  deps.onPublished((published, last) => {
    if (!deps.projection.passesBy(published, last)) loop?.wake();
  });

  async function look(signal: AbortSignal): Promise<void> {
    for (const queue of await deps.projection.catchUp(signal)) deps.onQueued?.(queue);
    for (const { queue, behind, oldest } of await database.read(waitingQueues)) {
      const outdated = seconds(clock) - SIGNAL_QUEUE_LIFE_S;
      if (oldest < outdated || behind > SIGNAL_QUEUE_LENGTH) await trim(queue, outdated);
      send(queue, signal);
    }
  }

  async function trim(queue: string, outdated: number): Promise<void> {
    const limits = { time: outdated, length: SIGNAL_QUEUE_LENGTH };
    const signals = await database.transaction((tx) => trimQueue(tx, queue, limits));
    if (signals > 0) await deps.events.record(givenUp(queue, { signals, detail: 'they waited too long' }));
  }

  /** One at a time for each queue; a receiver that failed is left alone for a while. */
  function send(queue: string, signal: AbortSignal): void {
    const state = sending.get(queue) ?? { running: undefined, failures: 0, notBefore: 0, again: false };
    sending.set(queue, state);
    if (state.running !== undefined || performance.now() < state.notBefore) return;
    state.again = false;
    state.running = drain(queue, signal)
      .then((failed) => {
        state.failures = failed ? state.failures + 1 : 0;
      })
      .catch((err: unknown) => {
        state.failures += 1;
        if (!signal.aborted) logger.error({ err, queue }, 'signals could not be sent');
      })
      .finally(() => {
        state.running = undefined;
        state.notBefore = state.failures === 0 ? 0 : performance.now() + retryPause(state.failures);
        if (state.again) wake(queue);
      });
  }

  /** Sends what waits; answers whether the receiver failed. */
  async function drain(queue: string, signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      const destination = await deps.destinations.of(queue);
      if (destination === 'waits') return false;
      if (destination === 'gone') {
        await database.transaction((tx) => deleteQueue(tx, queue));
        return false;
      }
      const batch = await take(queue);
      if (batch.length === 0) return false;
      const outcome = await sendBatch(destination, batch, signal);
      await database.transaction((tx) => settleQueue(tx, queue, outcome, seconds(clock)));
      const detail = outcome.refusal;
      if (detail !== undefined)
        await deps.events.record(givenUp(queue, { signals: outcome.givenUp, detail }));
      if (outcome.fault !== undefined) {
        logger.warn({ queue, ...outcome.fault }, 'a receiver took no signal; it waits');
        return true;
      }
    }
    return false;
  }

  function wake(queue: string): void {
    const state = sending.get(queue);
    if (state !== undefined) Object.assign(state, { notBefore: 0, again: state.running !== undefined });
    loop?.wake();
  }

  /** Nothing, where another process sends. */
  async function take(queue: string): Promise<QueuedSignal[]> {
    const now = seconds(clock);
    return database.transaction(async (tx) => {
      const batch = await nextSignals(tx, queue, SIGNAL_BATCH);
      if (batch.length === 0) return batch;
      const held = await holdQueue(tx, queue, { holder, now, until: now + SIGNAL_LEASE_S });
      return held ? batch : [];
    });
  }

  async function sendBatch(
    destination: Destination,
    batch: readonly QueuedSignal[],
    signal: AbortSignal,
  ): Promise<QueueOutcome & { readonly refusal: string | undefined }> {
    const done: string[] = [];
    let refused = 0;
    let refusal: string | undefined;
    let fault: QueueOutcome['fault'];
    const begun = performance.now();
    for (const each of batch) {
      // The lease must not run out in the middle.
      if (performance.now() - begun > (SIGNAL_LEASE_S * 1000) / 2) break;
      const outcome = await pushToken(deps.outbound, destination, await destination.sign(each), signal);
      if (!outcome.taken && outcome.fault === 'failed') {
        fault = { code: outcome.code, detail: outcome.detail };
        break;
      }
      done.push(each.jti);
      if (outcome.taken) continue;
      refused += 1;
      refusal = outcome.detail;
    }
    return { done, sent: done.length - refused, givenUp: refused, fault, refusal };
  }

  return {
    start() {
      loop ??= startLoop('signals', SIGNAL_POLL_MS, look, { logger });
    },
    async stop() {
      await loop?.stop();
      loop = undefined;
      await Promise.all([...sending.values()].map(({ running }) => running));
    },
    wake,
  };
}

const FIRST_PAUSE_MS = 500;

/** Full jitter, so that many bridges do not meet at a receiver that comes back. */
function retryPause(failures: number): number {
  return Math.random() * Math.min(SIGNAL_RETRY_MAX_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 20));
}
