import type { Outcome, RefusedEvent, Sink, SinkEvent } from '../../connectors/siem/sink.ts';
import { isCountersignError } from '../../protocol/errors.ts';

const TRIES = 200;

/** What became of events that were given to `deliverAll`. */
export interface Delivered {
  readonly refused: readonly RefusedEvent[];
  /** Codes of what the sink threw. */
  readonly faults: readonly string[];
}

/**
 * Delivers as the bridge does it, but without pauses: from the first unsettled event on after each fault, halving what
 * is refused as a whole. Fails where a sink says what cannot be.
 */
export async function deliverAll(sink: Sink, events: readonly SinkEvent[]): Promise<Delivered> {
  const { signal } = new AbortController();
  const refused = new Map<number, RefusedEvent>();
  const faults: string[] = [];
  let waiting = [...events];
  let unsettled: SinkEvent[] = [];
  let size = sink.batch;

  function accept(batch: readonly SinkEvent[], outcome: Outcome): void {
    checkOutcome(batch, outcome);
    for (const event of outcome.refused) refused.set(event.seq, event);
    unsettled.push(...waiting.filter(({ seq }) => seq <= outcome.sent && !refused.has(seq)));
    waiting = waiting.filter(({ seq }) => seq > outcome.sent);
    unsettled = unsettled.filter(({ seq }) => seq > outcome.settled);
    size = sink.batch;
  }

  function refuse(batch: readonly SinkEvent[], words: string): void {
    const [first, ...more] = batch;
    if (more.length > 0 || first === undefined) {
      size = Math.floor(batch.length / 2);
      return;
    }
    refused.set(first.seq, { seq: first.seq, event_id: first.event_id, words });
    waiting = waiting.slice(1);
    size = sink.batch;
  }

  while (waiting.length + unsettled.length > 0) {
    const batch = waiting.slice(0, size);
    try {
      if (batch.length > 0) accept(batch, await sink.deliver(batch, signal));
      else {
        const settled = await sink.settle?.(signal);
        unsettled = unsettled.filter(({ seq }) => seq > (settled ?? 0));
        if (unsettled.length > 0) throw new Error(`settled ${settled}, which is not all`);
      }
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      faults.push(error.code);
      if (faults.length > TRIES) throw error;
      if (error.code === 'sink_batch_refused') refuse(batch, error.detail ?? '');
      else {
        waiting = [...unsettled, ...waiting];
        unsettled = [];
      }
    }
  }
  return { refused: [...refused.values()], faults };
}

function checkOutcome(batch: readonly SinkEvent[], outcome: Outcome): void {
  const numbers = batch.map(({ seq }) => seq);
  if (!numbers.includes(outcome.sent)) throw new Error(`sent ${outcome.sent}, which is not in the batch`);
  if (outcome.settled > outcome.sent) throw new Error(`settled ${outcome.settled}, which was not sent`);
  for (const { seq, event_id } of outcome.refused) {
    const known = batch.some((event) => event.seq === seq && event.event_id === event_id);
    if (!known || seq > outcome.sent) throw new Error(`refused ${seq}, which was not sent`);
  }
}
