import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  deleteDeadLetters,
  markForResend,
  readDeadLetters,
} from '../../bridge/events/delivery/dead-letters.ts';
import { findReplay, insertReplay, moveReplay } from '../../bridge/events/delivery/replays.ts';
import { deleteState, insertState } from '../../bridge/events/delivery/sink-states.ts';
import { newId } from '../../bridge/lib/ids.ts';
import { SINK_UNSETTLED_EVENTS } from '../../bridge/lib/limits.ts';
import { type FakeReceiver, type Fault, fakeReceiver, faults } from '../fakes/fake-receiver.ts';
import {
  type DeliveryFixture,
  deliveryFixture,
  into,
  prune,
  refusedRequest,
  soon,
} from './delivery-fixture.ts';

let fixture: DeliveryFixture;
let receiver: FakeReceiver;

beforeEach(async () => {
  fixture = await deliveryFixture();
  receiver = fakeReceiver();
  fixture.definitions = [into(receiver, 'siem', { filter: { types: ['person.*'] } })];
});
afterEach(() => fixture.remove());

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
/** A receiver that takes events, in its time. */
const slow = async () => {
  for (let turn = 0; turn < 20; turn += 1) await nextTurn();
  return undefined;
};
const replayed = () => receiver.taken.filter(({ replay }) => replay !== undefined).map(({ seq }) => seq);

async function replay(from_seq: number, to_seq: number): Promise<string> {
  const id = newId();
  const created = fixture.clock.now();
  await fixture.database.transaction((tx) =>
    insertReplay(tx, {
      ...{ id, sink: 'siem', from_seq, to_seq, done_seq: from_seq - 1, status: 'running', created },
    }),
  );
  return id;
}

const statusOf = async (id: string) =>
  (await fixture.database.read((query) => findReplay(query, 'siem', id)))?.status;

describe('a replay', () => {
  it('brings what it was asked for once more, marked, and ends', async () => {
    await fixture.append(20);
    const delivery = fixture.deliver();
    await vi.waitFor(() => expect(receiver.seqs).toEqual(range(1, 20)), soon);
    const id = await replay(5, 9);
    await delivery.wake('siem');
    await vi.waitFor(async () => expect(await statusOf(id)).toBe('finished'), soon);
    expect(replayed()).toEqual([5, 6, 7, 8, 9]);
    expect(receiver.taken.at(-1)?.replay).toBe(id);
    expect(await fixture.reported('sink.replay_finished')).toMatchObject([
      { data: { sink: 'siem', replay: id, from_seq: 5, to_seq: 9 } },
    ]);
    expect((await fixture.state('siem')).settled).toBeGreaterThanOrEqual(20);
  });

  it('waits until the live stream has caught up', async () => {
    receiver.batch = 10;
    receiver.fault = slow;
    await fixture.append(300);
    await replay(1, 50);
    fixture.deliver();
    await vi.waitFor(() => expect(replayed()).toEqual(range(1, 50)), soon);
    const first = receiver.taken.findIndex((event) => event.replay !== undefined);
    expect(receiver.seqs.slice(0, first)).toEqual(range(1, 300));
  });

  describe('beside a stream that never falls silent', () => {
    beforeEach(() => {
      receiver.fault = async ([first]) => {
        if (first?.replay === undefined) await fixture.append(1);
        return undefined;
      };
    });
    const ends = async (id: string) => {
      await vi.waitFor(async () => expect(await statusOf(id)).toBe('finished'), soon);
      receiver.fault = undefined;
    };

    it('comes to its end', async () => {
      await fixture.append(5);
      fixture.deliver();
      await ends(await replay(1, 5));
      expect(replayed()).toEqual([1, 2, 3, 4, 5]);
    });

    it('comes to its end where the filter of the sink lets little of that pass', async () => {
      await fixture.log.record(refusedRequest('/x'));
      await fixture.append(1);
      fixture.definitions = [into(receiver, 'siem', { filter: { types: ['request.*'] } })];
      const { log } = fixture;
      // whenever the stream looks, there is something new, and nothing of it for this sink
      const page: typeof log.page = async (asked) => {
        if (asked.since > 0) await fixture.append(1);
        return log.page(asked);
      };
      const onPublished: typeof log.onPublished = (listener) => log.onPublished(listener);
      fixture.deliver({ log: { page, onPublished, append: (tx, event) => log.append(tx, event) } });
      await ends(await replay(1, 1));
      expect(replayed()).toEqual([1]);
    });
  });

  it('does not hold up what comes meanwhile', async () => {
    await fixture.append(5);
    const delivery = fixture.deliver();
    await vi.waitFor(() => expect(receiver.seqs).toEqual(range(1, 5)), soon);
    receiver.faults.push(faults.hangs());
    await replay(1, 5);
    await delivery.wake('siem');
    await vi.waitFor(() => expect(receiver.calls).toHaveLength(2), soon);
    await fixture.append(1);
    await vi.waitFor(() => expect(receiver.seqs.at(-1)).toBe(6), soon);
  });

  it('goes on after a fault, and after a restart', async () => {
    receiver.batch = 2;
    await fixture.append(6);
    const first = fixture.deliver();
    await vi.waitFor(() => expect(receiver.seqs).toEqual(range(1, 6)), soon);
    receiver.faults.push(
      async () => undefined,
      faults.unavailable(),
      async () => undefined,
      faults.hangs(),
    );
    const id = await replay(1, 6);
    await first.wake('siem');
    await vi.waitFor(() => expect(replayed()).toEqual([1, 2, 3, 4]), soon);
    await vi.waitFor(() => expect(receiver.faults).toEqual([]), soon);
    await first.stop();
    fixture.deliver();
    await vi.waitFor(() => expect(replayed()).toEqual([1, 2, 3, 4, 5, 6]), soon);
    await vi.waitFor(async () => expect(await statusOf(id)).toBe('finished'), soon);
  });

  it('that is cancelled brings no more', async () => {
    receiver.batch = 1;
    await fixture.append(30);
    const delivery = fixture.deliver();
    await vi.waitFor(() => expect(receiver.seqs).toEqual(range(1, 30)), soon);
    let release = () => {};
    receiver.faults.push(async () => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return undefined;
    });
    const id = await replay(1, 30);
    await delivery.wake('siem');
    await vi.waitFor(() => expect(receiver.calls).toHaveLength(31), soon);
    await fixture.database.transaction((tx) => moveReplay(tx, id, { status: 'cancelled' }));
    release();
    await vi.waitFor(() => expect(receiver.closed).toBe(1), soon);
    expect(replayed()).toEqual([1]);
    expect(await statusOf(id)).toBe('cancelled');
  });
});

describe('a replay to a receiver that acknowledges late', () => {
  it('waits for it before more is on its way than may come twice', async () => {
    const events = SINK_UNSETTLED_EVENTS + 1_000;
    await fixture.append(events);
    const delivery = fixture.deliver();
    await vi.waitFor(() => expect(receiver.taken).toHaveLength(events), soon);
    receiver.acknowledges = 'later';
    const settlings: number[] = [];
    receiver.fault = async () => {
      settlings.push(receiver.settlings);
      return undefined;
    };
    const before = receiver.settlings;
    const id = await replay(1, events);
    await delivery.wake('siem');
    await vi.waitFor(async () => expect(await statusOf(id)).toBe('finished'), {
      interval: 20,
      timeout: 20_000,
    });
    expect(settlings.at(-1)).toBe(before + 1);
    expect(replayed()).toHaveLength(events);
  });
});

describe('a replay that cannot go on', () => {
  const again = (id: string, open: () => boolean): Fault => {
    return async ([first], signal) => {
      return first?.replay === id && !open() ? faults.unavailable()([first], signal) : undefined;
    };
  };

  it('and is cancelled while the receiver fails makes way for the next', async () => {
    await fixture.append(5);
    const delivery = fixture.deliver();
    await vi.waitFor(() => expect(receiver.seqs).toEqual(range(1, 5)), soon);
    const id = await replay(1, 5);
    receiver.fault = again(id, () => false);
    await delivery.wake('siem');
    await vi.waitFor(() => expect(fixture.waits.length).toBeGreaterThan(2), soon);
    await replay(4, 5);
    await fixture.database.transaction((tx) => moveReplay(tx, id, { status: 'cancelled' }));
    await vi.waitFor(() => expect(replayed()).toEqual([4, 5]), soon);
    expect(await statusOf(id)).toBe('cancelled');
  });

  it('as its events are pruned ends, says so, and makes way for the next', async () => {
    let open = false;
    await fixture.append(9);
    const delivery = fixture.deliver();
    await vi.waitFor(() => expect(receiver.seqs).toEqual(range(1, 9)), soon);
    const id = await replay(3, 9);
    receiver.fault = again(id, () => open);
    await delivery.wake('siem');
    await vi.waitFor(() => expect(fixture.waits.length).toBeGreaterThan(0), soon);
    await prune(fixture, 6);
    await replay(7, 8);
    open = true;
    await vi.waitFor(() => expect(replayed()).toEqual([7, 8]), soon);
    expect(await statusOf(id)).toBe('cancelled');
    expect(await fixture.reported('sink.replay_cancelled')).toMatchObject([
      { code: 'events_pruned', data: { sink: 'siem', replay: id, from_seq: 3, to_seq: 9, done_seq: 2 } },
    ]);
  });

  it('as it is cancelled meanwhile leaves no dead letters', async () => {
    await fixture.append(3);
    const delivery = fixture.deliver();
    await vi.waitFor(() => expect(receiver.seqs).toEqual(range(1, 3)), soon);
    receiver.refuse = () => 'no';
    const id = await replay(1, 3);
    receiver.faults.push(async () => {
      await fixture.database.transaction((tx) => moveReplay(tx, id, { status: 'cancelled' }));
      return undefined;
    });
    await delivery.wake('siem');
    await vi.waitFor(() => expect(receiver.closed).toBe(1), soon);
    const letters = await fixture.database.read((query) => readDeadLetters(query, 'siem', { limit: 9 }));
    expect(letters).toEqual([]);
  });
});

describe('dead letters that are sent again', () => {
  it('leave nothing of a sink that is removed while its receiver refuses them once more', async () => {
    const { database } = fixture;
    await fixture.append(3);
    receiver.refuse = ({ seq }) => (seq === 2 ? 'no' : undefined);
    const [definition] = fixture.definitions;
    await database.transaction((tx) => insertState(tx, 'siem', { settled: 0, backlog_to: 0 }));
    const list = async () => (definition === undefined ? [] : [definition]);
    const delivery = fixture.deliver({ definitions: { builtin: [], list } });
    const letters = () => database.read((query) => readDeadLetters(query, 'siem', { limit: 10 }));
    await vi.waitFor(async () => expect(await letters()).toHaveLength(1), soon);
    receiver.fault = async () => {
      await database.transaction(async (tx) => {
        await deleteState(tx, 'siem');
        await deleteDeadLetters(tx, 'siem', 'all');
      });
      return undefined;
    };
    await database.transaction((tx) => markForResend(tx, 'siem', 'all'));
    const { calls } = receiver;
    const before = calls.length;
    await delivery.wake('siem');
    await vi.waitFor(() => expect(calls.length).toBeGreaterThan(before), soon);
    await delivery.stop();
    expect(await letters()).toEqual([]);
  });

  const letters = () => fixture.database.read((query) => readDeadLetters(query, 'siem', { limit: 100 }));

  async function refuseThenResend(seqs: readonly number[] | 'all'): Promise<void> {
    receiver.refuse = ({ seq }) => (seq <= 3 ? 'no' : undefined);
    await fixture.append(5);
    const delivery = fixture.deliver();
    await vi.waitFor(async () => expect(await letters()).toHaveLength(3), soon);
    receiver.refuse = ({ seq }) => (seq === 3 ? 'still no' : undefined);
    await fixture.database.transaction((tx) => markForResend(tx, 'siem', seqs));
    await delivery.wake('siem');
  }

  it('leave the list when they are taken, and stay with the new words when not', async () => {
    await refuseThenResend('all');
    await vi.waitFor(async () => expect(await letters()).toHaveLength(1), soon);
    expect(await letters()).toMatchObject([{ seq: 3, words: 'still no', tries: 2, resend: 0 }]);
    expect(receiver.seqs).toEqual([4, 5, 1, 2]);
    expect(receiver.taken.at(-1)?.replay).toBeUndefined();
  });

  it('are those that were named', async () => {
    await refuseThenResend([2]);
    await vi.waitFor(async () => expect(await letters()).toHaveLength(2), soon);
    expect(receiver.seqs).toEqual([4, 5, 2]);
  });

  it('stay, and say so, when their content is not kept any more', async () => {
    receiver.refuse = () => 'no';
    await fixture.append(2);
    const delivery = fixture.deliver();
    await vi.waitFor(async () => expect(await letters()).toHaveLength(2), soon);
    await fixture.database.transaction(async (tx) => {
      await tx.deleteFrom('events').where('seq', '=', 1).execute();
      await markForResend(tx, 'siem', 'all');
    });
    receiver.refuse = () => undefined;
    await delivery.wake('siem');
    await vi.waitFor(async () => expect(await letters()).toHaveLength(1), soon);
    expect(await letters()).toMatchObject([
      { seq: 1, resend: 0, words: 'The content is not kept any more.' },
    ]);
  });
});
