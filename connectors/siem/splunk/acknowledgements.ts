import { HEC_ACK_POLL_MS } from '../../../bridge/lib/limits.ts';
import { CountersignError } from '../../../protocol/errors.ts';

/** Asks which of these requests are indexed; answers their ids. */
export type AskIndexed = (ids: readonly number[], signal: AbortSignal) => Promise<ReadonlySet<number>>;

/** Requests that the collector took and has not yet indexed, in the order in which they were sent. */
export interface Acknowledgements {
  /** Up to here, everything is indexed. */
  readonly settled: number;
  readonly pending: number;
  /**
   * Events from `first` on are about to be sent. Where some of them were sent before, the driver went back after a
   * fault, and nothing that was sent until then is waited for.
   */
  begin(first: number): void;
  /**
   * `sink_unavailable` for a number that is not above those that are waited for: the collector counts from 0 again, as one
   * that was restarted does, and would answer for another request.
   *
   * @param last - `seq` of the last event of the request
   */
  add(id: number, last: number): void;
  /** Asks, unless it did so within the last second. `sink_unavailable`: a request waits for too long. */
  refresh(signal: AbortSignal): Promise<void>;
}

const INDEXED = Number.POSITIVE_INFINITY;

/**
 * Times by a clock that is never set: by one that was set back, nothing would be asked until it is where it was.
 *
 * @param options.timeoutMs - a request that is not indexed after this counts as lost
 */
export function createAcknowledgements(options: { ask: AskIndexed; timeoutMs: number }): Acknowledgements {
  let waiting: { id: number; last: number; at: number }[] = [];
  let sent = -1;
  let settled = 0;
  let asked = Number.NEGATIVE_INFINITY;

  return {
    get settled() {
      return settled;
    },
    get pending() {
      return waiting.length;
    },
    begin(first) {
      if (first <= sent) waiting = [];
      if (waiting.length === 0) settled = first - 1;
    },
    add(id, last) {
      if (waiting.some((request) => request.id >= id)) {
        const detail = 'Splunk was restarted, or stands behind a load balancer without sticky sessions.';
        throw new CountersignError('sink_unavailable', detail);
      }
      waiting.push({ id, last, at: performance.now() });
      sent = last;
    },
    async refresh(signal) {
      if (waiting.length === 0 || performance.now() - asked < HEC_ACK_POLL_MS) return;
      asked = performance.now();
      const ids = waiting.map(({ id }) => id);
      const indexed = await options.ask(ids, signal);
      // The collector forgets an acknowledgement once it told it, so one behind a gap is remembered here.
      for (const request of waiting) if (indexed.has(request.id)) request.at = INDEXED;
      while (waiting[0]?.at === INDEXED) settled = waiting.shift()?.last ?? settled;
      const oldest = waiting[0]?.at ?? INDEXED;
      if (performance.now() - oldest > options.timeoutMs) {
        throw new CountersignError('sink_unavailable', 'Splunk took events and did not index them in time.');
      }
    },
  };
}
