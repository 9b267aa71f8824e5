import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  countWaiting,
  enqueue,
  nextSignals,
  settleQueue,
  waitingQueues,
} from '../../bridge/signals/queue-store.ts';
import type { SignalClaims } from '../../bridge/signals/signal.ts';
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
