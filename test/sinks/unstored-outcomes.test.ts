import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readDeadLetters } from '../../bridge/events/delivery/dead-letters.ts';
import { findReplay, insertReplay } from '../../bridge/events/delivery/replays.ts';
import { newId } from '../../bridge/lib/ids.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { type FakeReceiver, fakeReceiver } from '../fakes/fake-receiver.ts';
import { type DeliveryFixture, deliveryFixture, into, soon } from './delivery-fixture.ts';

let fixture: DeliveryFixture;
let receiver: FakeReceiver;

beforeEach(async () => {
  fixture = await deliveryFixture();
  receiver = fakeReceiver();
  receiver.batch = 5;
  receiver.refuse = ({ seq }) => (seq % 2 === 0 ? 'no' : undefined);
  fixture.definitions = [into(receiver, 'siem', { filter: { types: ['person.*'] } })];
});
afterEach(() => fixture.remove());

/** Without their table, dead letters cannot be stored, and all else can. */
const takeAway = () =>
  fixture.database.transaction((tx) =>
    tx.schema.alterTable('sink_dead_letters').renameTo('taken_away').execute(),
  );
const giveBack = () =>
  fixture.database.transaction((tx) =>
    tx.schema.alterTable('taken_away').renameTo('sink_dead_letters').execute(),
  );
const seqsOfLetters = async () =>
  (await fixture.database.read((query) => readDeadLetters(query, 'siem', { limit: 100 }))).map(
    ({ seq }) => seq,
  );

describe('while it cannot be stored what the receiver refused', () => {
  it('nothing more is handed over, and health says so', async () => {
    await fixture.append(20);
    await takeAway();
    fixture.deliver();
    await vi.waitFor(async () => expect((await fixture.state('siem')).failures).toBeGreaterThan(3), soon);
    expect(receiver.calls).toEqual([[1, 2, 3, 4, 5]]);
    expect(await fixture.state('siem')).toMatchObject({
      ...{ settled: 0, error_code: 'internal', failing: 1 },
      error_detail: expect.stringContaining('could not store'),
    });
    await giveBack();
    await vi.waitFor(async () => expect((await fixture.state('siem')).settled).toBeGreaterThan(19), soon);
    await vi.waitFor(
      async () => expect(await fixture.state('siem')).toMatchObject({ failures: 0, failing: 0 }),
      soon,
    );
    expect(receiver.seqs).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
    expect(await seqsOfLetters()).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18, 20]);
  });

  it('a replay stands still as well, and goes on behind it', async () => {
    receiver.refuse = () => undefined;
    await fixture.append(20);
    const warnings: string[] = [];
    const write = (line: string) => void warnings.push(line);
    const delivery = fixture.deliver({ logger: createLogger({ level: 'warn', destination: { write } }) });
    await vi.waitFor(async () => expect((await fixture.state('siem')).settled).toBe(20), soon);
    receiver.refuse = ({ seq }) => (seq % 2 === 0 ? 'no' : undefined);
    receiver.faults.push(async () => {
      await takeAway();
      return undefined;
    });
    const id = newId();
    const about = { id, sink: 'siem', from_seq: 1, to_seq: 20, done_seq: 0, created: 0 };
    await fixture.database.transaction((tx) => insertReplay(tx, { ...about, status: 'running' }));
    const { length } = receiver.calls;
    await delivery.wake('siem');
    const tries = () => warnings.filter((line) => line.includes('could not be brought'));
    await vi.waitFor(() => expect(tries().length).toBeGreaterThan(2), { interval: 20, timeout: 20_000 });
    expect(receiver.calls.slice(length)).toEqual([[1, 2, 3, 4, 5]]);
    await giveBack();
    const replay = () => fixture.database.read((query) => findReplay(query, 'siem', id));
    await vi.waitFor(async () => expect((await replay())?.status).toBe('finished'), soon);
    expect(await seqsOfLetters()).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18, 20]);
  });
});
