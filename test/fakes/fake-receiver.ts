import type { Outcome, RefusedEvent, Sink, SinkEvent } from '../../connectors/siem/sink.ts';
import { CountersignError } from '../../protocol/errors.ts';

/** What a call does in the place of taking events: throws, waits, or answers something else. */
export type Fault = (events: readonly SinkEvent[], signal: AbortSignal) => Promise<Outcome | undefined>;

/** Where events go in tests. It outlives the sinks that are opened to it, and has every fault that a receiver can have. */
export interface FakeReceiver {
  /** In the order in which they came, repeats included. */
  readonly taken: SinkEvent[];
  /** `seq`s of each call, refused ones too. */
  readonly calls: number[][];
  opened: number;
  closed: number;
  batch: number;
  /** Each is used for one call, then it works again. */
  readonly faults: Fault[];
  /** Used for every call while it is set. */
  fault: Fault | undefined;
  /** Refuses single events, with these words. */
  refuse: (event: SinkEvent) => string | undefined;
  /** Refuses every batch with one of these in it, and does not say which it is. */
  poison: (event: SinkEvent) => boolean;
  /** `later`: what was sent is settled only when the driver asks. */
  acknowledges: 'at once' | 'later' | 'never';
  /** Times that the driver asked. */
  settlings: number;
  readonly seqs: number[];
  open(): Sink;
}

export function fakeReceiver(): FakeReceiver {
  const receiver: FakeReceiver = {
    ...{ taken: [], calls: [], opened: 0, closed: 0, batch: 500, faults: [], fault: undefined },
    ...{ refuse: () => undefined, poison: () => false, acknowledges: 'at once', settlings: 0 },
    get seqs() {
      return receiver.taken.map(({ seq }) => seq);
    },
    open: () => openTo(receiver),
  };
  return receiver;
}

function openTo(receiver: FakeReceiver): Sink {
  receiver.opened += 1;
  let settled = 0;
  let sent = 0;
  return {
    batch: receiver.batch,
    async deliver(events, signal) {
      receiver.calls.push(events.map(({ seq }) => seq));
      const fault = receiver.faults.shift() ?? receiver.fault;
      const answer = await fault?.(events, signal);
      if (answer !== undefined) return answer;
      if (events.some(receiver.poison)) throw new CountersignError('sink_batch_refused', 'no such index');
      const refused = events.flatMap((event): RefusedEvent[] => {
        const words = receiver.refuse(event);
        return words === undefined ? [] : [{ seq: event.seq, event_id: event.event_id, words }];
      });
      receiver.taken.push(...events.filter(({ seq }) => !refused.some((each) => each.seq === seq)));
      sent = events.at(-1)?.seq ?? sent;
      if (receiver.acknowledges === 'at once') settled = sent;
      return { sent, settled, refused };
    },
    async settle() {
      receiver.settlings += 1;
      if (receiver.acknowledges !== 'never') settled = sent;
      return settled;
    },
    async close() {
      receiver.closed += 1;
    },
  };
}

export const faults = {
  unavailable:
    (retryAfter?: number): Fault =>
    async () => {
      const options = retryAfter === undefined ? {} : { retryAfter };
      throw new CountersignError('sink_unavailable', '503 Service Unavailable', options);
    },
  misconfigured: (): Fault => async () => {
    throw new CountersignError('sink_misconfigured', '401: invalid token');
  },
  broken: (): Fault => async () => {
    throw new TypeError('token=hunter2 is undefined');
  },
  /** Heeds no signal. */
  hangs: (): Fault => () => new Promise(() => {}),
  /** Takes the events, then fails before it says so. */
  losesAnswer:
    (receiver: FakeReceiver): Fault =>
    async (events) => {
      receiver.taken.push(...events);
      throw new CountersignError('sink_unavailable', 'the connection was reset');
    },
  /** Takes only so many. */
  takes:
    (receiver: FakeReceiver, count: number): Fault =>
    async (events) => {
      const some = events.slice(0, count);
      receiver.taken.push(...some);
      const sent = some.at(-1)?.seq ?? 0;
      return { sent, settled: sent, refused: [] };
    },
} as const;
