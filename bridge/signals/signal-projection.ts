import type { EventBody, StoredEvent } from '../events/event.ts';
import { newestSeq } from '../events/event-store.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { SIGNAL_EVENT_PAGE, SIGNAL_PROGRESS_EVENTS } from '../lib/limits.ts';
import type { Database, Transaction } from '../storage/database.ts';
import { changesToSignal } from './changes-to-signal.ts';
import { type AddressedSignal, signalsToPartners } from './partner-recipients.ts';
import { advanceProgress, readProgress } from './progress-store.ts';
import { enqueue } from './queue-store.ts';
import { signalsToReceivers } from './receiver-recipients.ts';
import { levelChange } from './sign-in-levels.ts';

export interface SignalProjectionDeps {
  readonly iss: string;
  readonly database: Database;
  readonly log: { page(query: { since: number; limit: number }): Promise<StoredEvent[]> };
  readonly clock: Clock;
}

/** Makes signals of events. */
export interface SignalProjection {
  /**
   * Goes on to the newest event: when this resolves, the signals of all events up to there wait in their queues. Each
   * event becomes its signals once, whichever processes do this at the same time. Answers the queues that got some.
   */
  catchUp(signal: AbortSignal): Promise<ReadonlySet<string>>;

  /**
   * Goes on behind these events without reading them, where nothing follows from any of them, and all before them were
   * looked at by this process. `last`: the `seq` of the last. Answers whether it did.
   */
  passesBy(events: readonly Pick<EventBody, 'type'>[], last: number | undefined): boolean;
}

/** Events from which something may follow; all others are passed by without a transaction. */
const SIGNALLED = new Set([
  ...['person.closed', 'person.reset', 'person.erased', 'statement.revoked', 'statement.published'],
  ...['token.revoked', 'device.added', 'device.rotated', 'device.removed', 'sign_in.succeeded'],
]);

export function createSignalProjection(deps: SignalProjectionDeps): SignalProjection {
  const { iss, database, clock } = deps;
  /** Up to where this process has looked; behind the stored place only where nothing followed from events. */
  let passed: { stored: number; seq: number } | undefined;

  /** Signals begin with what happens after the first start: there is no telling of what was before. */
  async function begin(): Promise<{ stored: number; seq: number }> {
    const stored = await database.transaction(
      async (tx) => (await readProgress(tx)) ?? advanceProgress(tx, undefined, await newestSeq(tx)),
    );
    return { stored, seq: stored };
  }

  async function project(tx: Transaction, events: readonly StoredEvent[]): Promise<Set<string>> {
    const now = seconds(clock);
    const queues = new Map<string, AddressedSignal['claims'][]>();
    for (const event of events) {
      const changes = [...changesToSignal(event), ...(await levelChange(tx, event))];
      for (const change of changes) {
        const about = { txn: event.event_id, now, iss };
        const signals = [
          ...(await signalsToPartners(tx, change, about)),
          ...(await signalsToReceivers(tx, change, about)),
        ];
        for (const { queue, claims } of signals) queues.set(queue, [...(queues.get(queue) ?? []), claims]);
      }
    }
    for (const [queue, claims] of queues) await enqueue(tx, queue, claims, now);
    return new Set(queues.keys());
  }

  /** `undefined`: another process has stored a place meanwhile. */
  async function store(
    from: { stored: number; seq: number },
    page: readonly StoredEvent[],
    to: number,
  ): Promise<ReadonlySet<string> | undefined> {
    const events = page.filter(({ type }) => SIGNALLED.has(type));
    if (events.length === 0 && to - from.stored < SIGNAL_PROGRESS_EVENTS) {
      passed = { stored: from.stored, seq: to };
      return new Set();
    }
    const queues = await database.transaction(async (tx) => {
      if ((await readProgress(tx)) !== from.stored) return undefined;
      await advanceProgress(tx, from.stored, to);
      return project(tx, events);
    });
    if (queues === undefined) return undefined;
    passed = { stored: to, seq: to };
    return queues;
  }

  return {
    passesBy(events, last) {
      if (passed === undefined || last === undefined) return false;
      if (passed.seq !== last - events.length || events.some(({ type }) => SIGNALLED.has(type))) return false;
      if (last - passed.stored >= SIGNAL_PROGRESS_EVENTS) return false;
      passed = { stored: passed.stored, seq: last };
      return true;
    },
    async catchUp(signal) {
      const touched = new Set<string>();
      while (!signal.aborted) {
        passed ??= await begin();
        const from = passed;
        const page = await deps.log.page({ since: from.seq, limit: SIGNAL_EVENT_PAGE });
        const last = page.at(-1);
        if (last === undefined) return touched;
        const queues = await store(from, page, last.seq);
        if (queues === undefined) passed = undefined;
        for (const queue of queues ?? []) touched.add(queue);
      }
      return touched;
    },
  };
}
