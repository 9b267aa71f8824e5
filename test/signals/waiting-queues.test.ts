import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  countWaiting,
  enqueue,
  nextSignals,
  settleQueue,
  waitingQueues,
} from '../../bridge/signals/queue-store.ts';
import { readQueueTotals } from '../../bridge/signals/queue-totals.ts';
import type { SignalClaims } from '../../bridge/signals/signal.ts';
import { insertStream } from '../../bridge/signals/stream-store.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { movableClock, temporaryStore } from '../signer/signer-fixture.ts';

const NOW = 1_800_000_000;

let database: Database;
let remove: () => Promise<void>;

beforeEach(async () => {
  const store = await temporaryStore(movableClock(NOW * 1000));
  ({ database } = store);
  remove = () => store.remove();
});
afterEach(() => remove());

const signals = (count: number): SignalClaims[] =>
  Array.from({ length: count }, (_, index) => ({
    ...{ txn: `t${index}`, sub_id: { format: 'email', email: 'ada@acme.example' }, events: {} },
  }));
const put = (queue: string, count: number, now: number) =>
  database.transaction((tx) => enqueue(tx, queue, signals(count), now));
const waiting = () => database.read(waitingQueues);

async function take(queue: string, count: number): Promise<void> {
  const taken = await database.read((query) => nextSignals(query, queue, count));
  const done = taken.map(({ jti }) => jti);
  const outcome = { done, sent: done.length, givenUp: 0, fault: undefined };
  await database.transaction((tx) => settleQueue(tx, queue, outcome, NOW));
}

describe('what waits for receivers', () => {
  it('is told by the oldest signal of each queue, and not where none waits', async () => {
    await put('one', 3, NOW);
    await put('one', 2, NOW + 60);
    await put('two', 1, NOW + 5);
    await put('three', 1, NOW);
    await take('one', 4);
    await take('three', 1);
    expect((await waiting()).toSorted((a, b) => a.queue.localeCompare(b.queue))).toEqual([
      { queue: 'one', behind: 1, oldest: NOW + 60 },
      { queue: 'two', behind: 1, oldest: NOW + 5 },
    ]);
  });

  it('is counted for one queue alone', async () => {
    await put('one', 3, NOW);
    await put('two', 2, NOW);
    expect(await database.read((query) => countWaiting(query, 'one'))).toBe(3);
    expect(await database.read((query) => countWaiting(query, 'none'))).toBe(0);
  });
});

describe('how the queues of a kind stand', () => {
  const stream = async (id: string, method: 'push' | 'poll') => {
    const endpoint_url = method === 'push' ? 'https://saas.example/' : null;
    const settings = { method, endpoint_url, authorization: null, events_requested: [], description: null };
    await database.transaction((tx) => insertStream(tx, { id, receiver: id, created: 0 }, settings));
  };
  const none = { queued: 0, delivered: 0, givenUp: 0, waiting: 0, lag: 0, failing: 0 };

  it('is told for partners, pushed and polled streams apart', async () => {
    await stream('str_1', 'push');
    await stream('str_2', 'push');
    await put('https://bridge.globex.example', 3, NOW - 30);
    await put('str_1', 2, NOW - 20);
    await put('str_2', 4, NOW - 10);
    await take('str_2', 3);
    const fault = { code: 'invalid_key', detail: 'another key' };
    const failed = { done: [], sent: 0, givenUp: 1, fault };
    await database.transaction((tx) => settleQueue(tx, 'str_1', failed, NOW));
    expect(await database.read((query) => readQueueTotals(query, NOW))).toEqual([
      { ...none, kind: 'partner', queued: 3, waiting: 3, lag: 30 },
      { kind: 'push', queued: 6, delivered: 3, givenUp: 1, waiting: 3, lag: 20, failing: 1 },
      { ...none, kind: 'poll' },
    ]);
  });

  it('is of no age before now, whatever the clock of who put something there', async () => {
    await stream('str_3', 'poll');
    await put('str_3', 1, NOW + 60);
    const totals = await database.read((query) => readQueueTotals(query, NOW));
    expect(totals.at(-1)).toEqual({ ...none, kind: 'poll', queued: 1, waiting: 1 });
  });
});
