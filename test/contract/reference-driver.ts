import type { RefusedEvent, Sink, SinkEvent } from '../../connectors/siem/sink.ts';
import { isCountersignError } from '../../protocol/errors.ts';

const TRIES = 200;

/** What became of events that were given to `deliverAll`. */
export interface Delivered {
  readonly refused: readonly RefusedEvent[];
  readonly faults: readonly string[];
}

/**
 * Delivers as the bridge does it, but without pauses: from the last settled event on after each fault, halving what
 * is refused as a whole. Fails where a sink says what cannot be.
 */
export async function deliverAll(sink: Sink, events: readonly SinkEvent[]): Promise<Delivered> {
  const { signal } = new AbortController();
  const last = events.at(-1)?.seq ?? 0;
  const refused = new Map<number, RefusedEvent>();
  const faults: string[] = [];
  let settled = (events[0]?.seq ?? 1) - 1;
  let sent = settled;
  let size = sink.batch;

  for (let tries = 0; settled < last; ) {
    const batch = events.filter(({ seq }) => seq > sent).slice(0, size);
    try {
      if (batch.length === 0) {
        if (sink.settle === undefined) throw new Error('unsettled, and cannot be settled');
        settled = assertWithin(await sink.settle(signal), settled, sent);
        if (settled < sent) throw new Error('settle did not settle all');
      } else {
        const outcome = await sink.deliver(batch, signal);
        sent = assertWithin(outcome.sent, batch[0]?.seq ?? 0, batch.at(-1)?.seq ?? 0);
        settled = assertWithin(outcome.settled, settled, sent);
        for (const event of outcome.refused) {
          if (!batch.some((one) => one.seq === event.seq && one.event_id === event.event_id)) {
            throw new Error(`refused ${event.seq}, which was not in the batch`);
          }
          refused.set(event.seq, event);
        }
        size = sink.batch;
      }
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      faults.push(error.code);
      tries += 1;
      if (tries > TRIES) throw error;
      const [only] = batch;
      if (error.code === 'sink_batch_refused' && batch.length === 1 && only !== undefined) {
        refused.set(only.seq, { seq: only.seq, event_id: only.event_id, words: error.detail ?? '' });
        sent = only.seq;
        settled = Math.max(settled, only.seq);
        size = sink.batch;
      } else {
        sent = settled;
        if (error.code === 'sink_batch_refused') size = Math.max(1, Math.floor(batch.length / 2));
      }
    }
  }
  return { refused: [...refused.values()], faults };
}

function assertWithin(value: number, from: number, to: number): number {
  if (value < from || value > to) throw new Error(`${value} is not within ${from} to ${to}`);
  return value;
}
