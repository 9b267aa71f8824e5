import { afterEach, describe, expect, it, vi } from 'vitest';
import { Lane, type LaneSource } from '../../bridge/events/delivery/lane.ts';
import {
  EVENT_PAGE,
  SINK_BATCH_CHARACTERS,
  SINK_EVENT_PAGE,
  SINK_SETTLING_MS,
} from '../../bridge/lib/limits.ts';
import type { Sink, SinkEvent } from '../../connectors/siem/sink.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { type FakeReceiver, type Fault, fakeReceiver, faults } from '../fakes/fake-receiver.ts';
import { SOON } from '../fakes/soon.ts';

const signal = new AbortController().signal;

afterEach(() => {
  vi.useRealTimers();
});

function event(seq: number): SinkEvent {
  return {
    ...{ v: 1, seq, event_id: `event-${seq}`, time: '2026-11-22T09:00:00.000Z', type: 'person.closed' },
    ...{ actor: { kind: 'system' }, subject: {}, outcome: 'success', code: null },
    ...{ request_id: null, trace_id: null, data: {}, prev: '', hash: '' },
  };
}

/** Each read answers the next of these; after them, nothing. */
function source(...pages: (readonly number[])[]): LaneSource {
  return {
    async read(since) {
      const events = (pages.shift() ?? []).map(event);
      return { events, through: events.at(-1)?.seq ?? since };
    },
  };
}

/** Events 1 to `last`, a page at a time. */
function logTo(last: number): LaneSource {
  return {
    async read(since) {
      const through = Math.min(since + EVENT_PAGE, last);
      const events = Array.from({ length: through - since }, (_, index) => event(since + index + 1));
      return { events, through };
    },
  };
}

/** All there is, and how many copies of events the receiver got for it. */
async function bring(lane: Lane, receiver: FakeReceiver): Promise<{ arrived: number; copies: number }> {
  while (await lane.step(signal)) {
    // until nothing is left
  }
  await lane.settle(signal, signal);
  return { arrived: new Set(receiver.seqs).size, copies: receiver.seqs.length };
}

/** As a collector does that says how many records it rejects, and not which. */
function takingTheRest(receiver: FakeReceiver, isBad: (event: SinkEvent) => boolean): Fault {
  return async (events) => {
    const good = events.filter((each) => !isBad(each));
    if (good.length === events.length) return undefined;
    receiver.taken.push(...good);
    throw new CountersignError('sink_batch_refused', 'rejected');
  };
}

async function refusedIn(lane: Lane): Promise<readonly number[]> {
  const seqs: number[] = [];
  await lane.save(async ({ refused }) => {
    seqs.push(...refused.map(({ seq }) => seq));
  });
  return seqs;
}

describe('a lane', () => {
  it('finds what came while it looked ahead and found nothing', async () => {
    const receiver = fakeReceiver();
    const lane = new Lane({ source: source([1], [], [2]), settled: 0, open: async () => receiver.open() });
    expect(await lane.step(signal)).toBe(true);
    expect(await lane.step(signal)).toBe(true);
    expect(receiver.seqs).toEqual([1, 2]);
    expect(await lane.step(signal)).toBe(false);
  });

  it('is settled up to what is neither sent nor waits', async () => {
    const receiver = fakeReceiver();
    receiver.batch = 1;
    receiver.acknowledges = 'later';
    const lane = new Lane({ source: source([3, 7]), settled: 0, open: async () => receiver.open() });
    await lane.step(signal);
    expect(lane.settled).toBe(2);
    await lane.settle(signal, signal);
    expect(lane.settled).toBe(6);
    receiver.acknowledges = 'at once';
    await lane.step(signal);
    expect(lane.settled).toBe(7);
  });

  it('ends with its signal, whether the sink heeds it or not, and is where it was', async () => {
    const receiver = fakeReceiver();
    const ending = new AbortController();
    const lane = new Lane({ source: source([1]), settled: 0, open: async () => receiver.open() });
    receiver.faults.push(faults.hangs());
    const step = lane.step(ending.signal);
    ending.abort(new Error('stopped'));
    await expect(step).rejects.toThrow('stopped');
    expect(lane.settled).toBe(0);
  });

  it('does not believe a sink that says more was taken than was sent', async () => {
    const receiver = fakeReceiver();
    receiver.faults.push(async () => ({
      sent: 1,
      settled: 99,
      refused: [{ seq: 50, event_id: 'x', words: '' }],
    }));
    const lane = new Lane({ source: source([1, 2, 3]), settled: 0, open: async () => receiver.open() });
    await lane.step(signal);
    expect(lane.settled).toBe(1);
    await lane.save(async ({ refused, taken }) => {
      expect({ refused, taken }).toEqual({ refused: [], taken: 1 });
    });
    await lane.step(signal);
    expect(receiver.seqs).toEqual([2, 3]);
  });
});

describe('a lane that is behind', () => {
  const evenSeqs: LaneSource = {
    async read(since) {
      const { events, through } = await logTo(6_000).read(since);
      return { events: events.filter(({ seq }) => seq % 2 === 0), through };
    },
  };

  it('hands over full batches, though its filter lets but a part of each page pass', async () => {
    const receiver = fakeReceiver();
    receiver.batch = EVENT_PAGE;
    const lane = new Lane({ source: evenSeqs, settled: 0, open: async () => receiver.open() });
    expect(await bring(lane, receiver)).toEqual({ arrived: 3_000, copies: 3_000 });
    expect(receiver.calls.map((seqs) => seqs.length)).toEqual([1_000, 1_000, 1_000]);
  });

  it('reads no more ahead than three pages, however long the receiver takes', async () => {
    const [receiver, ending] = [fakeReceiver(), new AbortController()];
    receiver.batch = EVENT_PAGE;
    receiver.faults.push(faults.hangs());
    let readTo = 0;
    const log = logTo(100_000);
    const read = async (since: number) => {
      const page = await log.read(since);
      readTo = page.through;
      return page;
    };
    const lane = new Lane({ source: { read }, settled: 0, open: async () => receiver.open() });
    const step = lane.step(ending.signal);
    await vi.waitFor(() => expect(receiver.calls).toHaveLength(1), SOON);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    ending.abort(new Error('stopped'));
    await expect(step).rejects.toThrow('stopped');
    expect(readTo).toBeLessThanOrEqual(3 * EVENT_PAGE);
  });
});

describe('a lane of large events', () => {
  const CHARACTERS = 16_000;
  const IN_A_BATCH = Math.ceil(SINK_BATCH_CHARACTERS / CHARACTERS);
  const data = { reason: 'x'.repeat(CHARACTERS) };

  function largeTo(last: number) {
    const log = { readTo: 0 };
    const read: LaneSource['read'] = async (since) => {
      log.readTo = Math.min(since + SINK_EVENT_PAGE, last);
      const seqs = Array.from({ length: log.readTo - since }, (_, index) => since + index + 1);
      return { events: seqs.map((seq) => ({ ...event(seq), data })), through: log.readTo };
    };
    return { log, source: { read } };
  }

  it('hands over a bounded amount of text, and reads no more than as much ahead', async () => {
    const [receiver, ending] = [fakeReceiver(), new AbortController()];
    receiver.batch = EVENT_PAGE;
    receiver.faults.push(faults.hangs());
    const { log, source: large } = largeTo(100_000);
    const lane = new Lane({ source: large, settled: 0, open: async () => receiver.open() });
    const step = lane.step(ending.signal);
    await vi.waitFor(() => expect(receiver.calls).toHaveLength(1), SOON);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    ending.abort(new Error('stopped'));
    await expect(step).rejects.toThrow('stopped');
    expect(receiver.calls[0]?.length).toBeLessThanOrEqual(IN_A_BATCH);
    expect(log.readTo).toBeLessThanOrEqual(2 * IN_A_BATCH + SINK_EVENT_PAGE);
  });

  it('brings them all, each once, and one that is larger than a batch by itself', async () => {
    const receiver = fakeReceiver();
    receiver.batch = EVENT_PAGE;
    const huge = { ...event(1), data: { reason: 'x'.repeat(2 * SINK_BATCH_CHARACTERS) } };
    const { source: large } = largeTo(500);
    const read: LaneSource['read'] = async (since) => {
      const { events, through } = await large.read(since);
      return { events: events.map((each) => (each.seq === 1 ? huge : each)), through };
    };
    const lane = new Lane({ source: { read }, settled: 0, open: async () => receiver.open() });
    expect(await bring(lane, receiver)).toEqual({ arrived: 500, copies: 500 });
    expect(receiver.calls[0]).toEqual([1]);
  });

  it('tells the sink of each batch that was cut that there is more', async () => {
    const receiver = fakeReceiver();
    const told: (boolean | undefined)[] = [];
    const open = async (): Promise<Sink> => {
      const sink = receiver.open();
      const deliver: Sink['deliver'] = (events, until, more) => {
        told.push(more);
        return sink.deliver(events, until);
      };
      return { ...sink, deliver };
    };
    const { source: large } = largeTo(100);
    const lane = new Lane({ source: large, settled: 0, open });
    expect(await bring(lane, receiver)).toEqual({ arrived: 100, copies: 100 });
    expect(told).toEqual([true, false]);
  });
});

describe('a receiver that says after minutes what it indexed', () => {
  const settlingAfter = (ms: number, sink: Sink): Sink => ({
    ...sink,
    async settle(until) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return sink.settle?.(until) ?? 0;
    },
  });

  it('is waited for, as its settings may say ten minutes, and gets nothing twice', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const receiver = fakeReceiver();
    receiver.acknowledges = 'later';
    const open = async () => settlingAfter(600_000, receiver.open());
    const lane = new Lane({ source: source([1, 2, 3]), settled: 0, open });
    await lane.step(signal);
    const settling = expect(lane.settle(signal, signal)).resolves.toBeUndefined();
    await vi.advanceTimersByTimeAsync(600_000);
    await settling;
    expect(await lane.step(signal)).toBe(false);
    expect({ settled: lane.settled, copies: receiver.seqs }).toEqual({ settled: 3, copies: [1, 2, 3] });
  });

  it('is let go of where it never does', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const receiver = fakeReceiver();
    receiver.acknowledges = 'later';
    const open = async () => settlingAfter(2 ** 30, receiver.open());
    const lane = new Lane({ source: source([1]), settled: 0, open });
    await lane.step(signal);
    const settling = expect(lane.settle(signal, signal)).rejects.toMatchObject({ code: 'sink_unavailable' });
    await vi.advanceTimersByTimeAsync(SINK_SETTLING_MS);
    await settling;
    expect({ settled: lane.settled, closed: receiver.closed }).toEqual({ settled: 0, closed: 1 });
  });
});

describe('a refused event', () => {
  it('does not multiply the others where a collector takes the rest and does not say which it is', async () => {
    const receiver = fakeReceiver();
    receiver.batch = 1_000;
    const isBad = ({ seq }: SinkEvent) => (seq * 7_919) % 3_000 < 30;
    receiver.fault = takingTheRest(receiver, isBad);
    const lane = new Lane({ source: logTo(3_000), settled: 0, open: async () => receiver.open() });
    const { arrived, copies } = await bring(lane, receiver);
    expect(await refusedIn(lane)).toHaveLength(30);
    expect(arrived).toBe(2_970);
    // by halving alone, 53,007
    expect(copies).toBeLessThan(3 * 2_970);
  });

  it('is no sign that all are refused where others of its batch are taken behind it', async () => {
    const receiver = fakeReceiver();
    receiver.batch = 1_000;
    receiver.refuse = ({ seq }) => (seq % 40 === 0 ? 'mapper_parsing_exception' : undefined);
    const lane = new Lane({ source: logTo(3_999), settled: 0, open: async () => receiver.open() });
    expect(await bring(lane, receiver)).toEqual({ arrived: 3_900, copies: 3_900 });
    expect(await refusedIn(lane)).toHaveLength(99);
    expect(receiver.calls.length).toBeLessThan(10);
  });

  it('is one where so many follow the last that was taken', async () => {
    const receiver = fakeReceiver();
    receiver.refuse = ({ seq }) => (seq > 70 ? 'index is read-only' : undefined);
    const lane = new Lane({ source: logTo(100), settled: 0, open: async () => receiver.open() });
    await expect(lane.step(signal)).rejects.toMatchObject({ code: 'sink_batch_refused' });
    expect(receiver.seqs).toHaveLength(70);
  });

  it('is found without what is not settled being sent once more', async () => {
    const receiver = fakeReceiver();
    receiver.batch = 1_000;
    receiver.acknowledges = 'later';
    receiver.poison = ({ seq }) => seq === 15_500;
    const lane = new Lane({ source: logTo(20_000), settled: 0, open: async () => receiver.open() });
    expect(await bring(lane, receiver)).toEqual({ arrived: 19_999, copies: 19_999 });
    expect(await refusedIn(lane)).toEqual([15_500]);
    expect(lane.settled).toBe(20_000);
  });
});
