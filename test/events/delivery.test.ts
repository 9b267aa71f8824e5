import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  createDelivery,
  type Delivery,
  type DeliveryDeps,
  type NamedSink,
  retryPause,
} from '../../bridge/events/delivery.ts';
import type { SinkEvent } from '../../connectors/siem/sink.ts';
import { stdoutSink } from '../../connectors/siem/stdout.ts';
import { all, appendEach, closed, type EventsFixture, eventsFixture, quiet } from './events-fixture.ts';

let fixture: EventsFixture;
let deliveries: Delivery[];

beforeEach(async () => {
  fixture = await eventsFixture();
  deliveries = [];
  fixture.log.start();
});

afterEach(async () => {
  await Promise.all(deliveries.map((delivery) => delivery.stop()));
  await fixture.remove();
});

function deliver(sinks: readonly NamedSink[], options: Pick<DeliveryDeps, 'pause'> = {}): Delivery {
  const { database, log } = fixture;
  const delivery = createDelivery({ database, log, sinks, logger: quiet, ...options });
  deliveries.push(delivery);
  delivery.start();
  return delivery;
}

/** A sink that keeps what it takes; it fails as often as it is told. */
function collector(name: string, failures = 0): NamedSink & { taken: number[]; failures: number } {
  const sink = {
    name,
    batch: 500,
    taken: [] as number[],
    failures,
    async deliver(events: readonly SinkEvent[]) {
      if (sink.failures > 0) {
        sink.failures -= 1;
        throw new Error('the SIEM is down');
      }
      sink.taken.push(...events.map((event) => event.seq));
      const sent = sink.taken.at(-1) ?? 0;
      return { sent, settled: sent, refused: [] };
    },
    close: async () => {},
  };
  return sink;
}

const soon = { interval: 1, timeout: 3_000 };

describe('delivery', () => {
  it('gives a sink every event, in order', async () => {
    const sink = collector('siem');
    deliver([sink]);
    await appendEach(fixture.database, fixture.log, ['p1', 'p2', 'p3']);
    await vi.waitFor(() => expect(sink.taken).toEqual([1, 2, 3]), soon);
  });

  it('goes on behind what was taken before a restart', async () => {
    const before = collector('siem');
    await appendEach(fixture.database, fixture.log, ['p1', 'p2']);
    await fixture.log.settled();
    await deliver([before]).stop();
    await appendEach(fixture.database, fixture.log, ['p3']);
    const after = collector('siem');
    deliver([after]);
    await vi.waitFor(() => expect(after.taken).toEqual([3]), soon);
    expect(before.taken).toEqual([1, 2]);
  });

  it('gives a new sink everything from the beginning', async () => {
    await appendEach(fixture.database, fixture.log, ['p1', 'p2']);
    await fixture.log.settled();
    await deliver([collector('old')]).stop();
    const added = collector('added');
    deliver([added]);
    await vi.waitFor(() => expect(added.taken).toEqual([1, 2]), soon);
  });

  it('repeats a batch until it is taken, and waits longer in between', async () => {
    const waits: number[] = [];
    const sink = collector('siem', 5);
    deliver([sink], { pause: async (ms) => waits.push(ms) });
    await appendEach(fixture.database, fixture.log, ['p1']);
    await vi.waitFor(() => expect(sink.taken).toEqual([1]), soon);
    expect(waits).toHaveLength(5);
  });

  it('repeats what the sink took when the cursor was not stored', async () => {
    const sink = collector('siem');
    const { log, database } = fixture;
    let fail = true;
    const broken = Object.assign(Object.create(database), {
      read: database.read.bind(database),
      transaction: (work: Parameters<typeof database.transaction>[0]) =>
        fail ? Promise.reject(new Error('killed')) : database.transaction(work),
    });
    const pause = async () => {
      fail = false;
    };
    const delivery = createDelivery({ database: broken, log, sinks: [sink], logger: quiet, pause });
    deliveries.push(delivery);
    await appendEach(database, log, ['p1']);
    await log.settled();
    delivery.start();
    await vi.waitFor(() => expect(sink.taken).toEqual([1, 1]), soon);
  });

  it('to one sink is not held up by another that fails or hangs', async () => {
    const [healthy, failing] = [collector('healthy'), collector('failing', Number.POSITIVE_INFINITY)];
    const hanging: NamedSink = { ...collector('hanging'), deliver: () => new Promise(() => {}) };
    deliver([failing, hanging, healthy]);
    await appendEach(fixture.database, fixture.log, ['p1', 'p2']);
    await vi.waitFor(() => expect(healthy.taken).toEqual([1, 2]), soon);
    failing.failures = 0;
  });

  it('does not hold up the change or the log', async () => {
    deliver([{ ...collector('hanging'), deliver: () => new Promise(() => {}) }]);
    await appendEach(fixture.database, fixture.log, ['p1', 'p2']);
    await fixture.log.settled();
    expect(await all(fixture.log)).toHaveLength(2);
  });

  it('gives a sink the last events before it closes it', async () => {
    const sink = collector('siem');
    const close = vi.spyOn(sink, 'close');
    const delivery = deliver([sink]);
    await fixture.database.transaction((tx) => fixture.log.append(tx, closed('p1')));
    await fixture.log.stop();
    await delivery.stop();
    // At least once: a batch that the stop breaks off may have arrived, and is sent again.
    expect(new Set(sink.taken)).toEqual(new Set([1]));
    expect(close).toHaveBeenCalledOnce();
  });
});

describe('the wait before a retry', () => {
  it('doubles up to a minute, and all of it is random', () => {
    const longest = [1, 2, 3, 10, 50, 5_000].map((tries) => retryPause(tries, () => 1));
    expect(longest).toEqual([400, 800, 1_600, 60_000, 60_000, 60_000]);
    expect(retryPause(3, () => 0)).toBe(0);
  });
});

describe('the stdout sink', () => {
  it('writes one line of JSON per event, as it is stored', async () => {
    const stream = new PassThrough();
    await appendEach(fixture.database, fixture.log, ['line\nbreak', 'p2']);
    await fixture.log.settled();
    await deliver([stdoutSink(stream)]).stop();
    stream.end();
    const lines = (await text(stream)).split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.map((line) => JSON.parse(line))).toEqual(await all(fixture.log));
  });

  it('does not count what a closed pipe refused', async () => {
    const stream = new PassThrough();
    const sink = stdoutSink(stream);
    stream.destroy(new Error('EPIPE'));
    const events = [] as const;
    await expect(sink.deliver(events, new AbortController().signal)).rejects.toThrow();
  });
});
