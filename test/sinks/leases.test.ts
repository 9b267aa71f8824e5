import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readDeadLetters } from '../../bridge/events/delivery/dead-letters.ts';
import { createSinkLeases, type SinkLeases } from '../../bridge/events/delivery/sink-leases.ts';
import { deleteState, insertState, storeProgress } from '../../bridge/events/delivery/sink-states.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { quiet } from '../events/events-fixture.ts';
import { type FakeReceiver, fakeReceiver } from '../fakes/fake-receiver.ts';
import { type DeliveryFixture, deliveryFixture, into, soon } from './delivery-fixture.ts';

const LEASE_MS = 200;

let fixture: DeliveryFixture;
let receiver: FakeReceiver;

beforeEach(async () => {
  fixture = await deliveryFixture();
  receiver = fakeReceiver();
});
afterEach(() => fixture.remove());

async function leases(lifeMs = LEASE_MS): Promise<SinkLeases> {
  const { database } = await fixture.openAnother();
  return createSinkLeases({ database, logger: quiet, builtin: ['siem'], lifeMs });
}

describe('of several processes on one store', () => {
  it('one delivers to a sink, and each event once', async () => {
    fixture.definitions = [into(receiver)];
    receiver.batch = 7;
    const other = await fixture.openAnother();
    other.log.start();
    fixture.deliver({ leaseMs: 5 * LEASE_MS });
    fixture.deliver({ leaseMs: 5 * LEASE_MS, database: other.database, log: other.log });
    for (let i = 0; i < 10; i += 1) await fixture.append(20);
    await vi.waitFor(() => expect(receiver.taken.length).toBeGreaterThanOrEqual(200), soon);
    expect(receiver.seqs).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
  });

  it('another goes on at once where one has stopped', async () => {
    fixture.definitions = [into(receiver)];
    const other = await fixture.openAnother();
    other.log.start();
    const first = fixture.deliver();
    await fixture.append(2);
    await vi.waitFor(() => expect(receiver.seqs).toEqual([1, 2]), soon);
    await first.stop();
    fixture.deliver({ database: other.database, log: other.log });
    await fixture.append(1);
    await vi.waitFor(() => expect(receiver.seqs).toEqual([1, 2, 3]), soon);
  });

  it('one that finds at a fault that another has the sink sends nothing more', async () => {
    fixture.definitions = [into(receiver)];
    receiver.faults.push(async () => {
      await fixture.database.transaction((tx) =>
        tx.updateTable('sink_states').set({ holder: 'another' }).execute(),
      );
      throw new CountersignError('sink_unavailable');
    });
    await fixture.append(3);
    fixture.deliver();
    await vi.waitFor(() => expect(receiver.closed).toBe(1), soon);
    expect(receiver.calls).toEqual([[1, 2, 3]]);
    expect(fixture.waits).toEqual([]);
  });

  it('one that was killed is followed by another after its lease', async () => {
    const [killed, heir] = [await leases(), await leases()];
    expect(await killed.take('siem')).toBeDefined();
    const begun = performance.now();
    expect(await heir.take('siem')).toBeUndefined();
    await vi.waitFor(async () => expect(await heir.take('siem')).toBeDefined(), soon);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(LEASE_MS);
  });

  it('one that lives keeps what it has', async () => {
    // long enough for its beats to come in time on a busy machine
    const lifeMs = 5 * LEASE_MS;
    const [holder, other] = [await leases(lifeMs), await leases(lifeMs)];
    holder.start();
    const lease = await holder.take('siem');
    const until = performance.now() + 2 * lifeMs;
    while (performance.now() < until) {
      expect(await other.take('siem')).toBeUndefined();
      await nextTurn();
    }
    expect(lease?.lost.aborted).toBe(false);
    await holder.stop();
  });

  it('one that does not get to the store lets go before another may begin', async () => {
    const { database } = await fixture.openAnother();
    let broken = false;
    const flaky: Pick<Database, 'read' | 'transaction'> = {
      read: (work) => database.read(work),
      transaction: async (work) => {
        if (broken) throw new Error('no route to host');
        return database.transaction(work);
      },
    };
    const [holder, other] = [
      createSinkLeases({ database: flaky, logger: quiet, builtin: ['siem'], lifeMs: LEASE_MS }),
      await leases(),
    ];
    holder.start();
    const lease = await holder.take('siem');
    broken = true;
    const lost = vi.waitFor(() => expect(lease?.lost.aborted).toBe(true), soon).then(() => performance.now());
    let taken: number | undefined;
    await vi.waitFor(async () => {
      expect(await other.take('siem')).toBeDefined();
      taken ??= performance.now();
    }, soon);
    expect(await lost).toBeLessThanOrEqual(taken ?? 0);
    broken = false;
    await holder.stop();
  });

  it('one whose store hangs lets go before another may begin', async () => {
    const { database } = await fixture.openAnother();
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    let hangs = false;
    const hanging: Pick<Database, 'read' | 'transaction'> = {
      read: (work) => database.read(work),
      transaction: async (work) => {
        if (hangs) await answered;
        return database.transaction(work);
      },
    };
    const deps = { logger: quiet, builtin: ['siem'], lifeMs: LEASE_MS };
    const [holder, other] = [createSinkLeases({ ...deps, database: hanging }), await leases()];
    holder.start();
    const lease = await holder.take('siem');
    hangs = true;
    await vi.waitFor(async () => expect(await other.take('siem')).toBeDefined(), soon);
    expect(lease?.lost.aborted).toBe(true);
    answer();
    await holder.stop();
  });

  it('none takes a sink that was removed, nor begins it anew', async () => {
    expect(await (await leases()).take('removed')).toBeUndefined();
    await expect(fixture.state('removed')).rejects.toThrow('no state');
  });

  it('one whose sink was removed keeps nothing of it, and reports nothing', async () => {
    const { database } = fixture;
    const list = async () => [into(receiver)];
    await database.transaction((tx) => insertState(tx, 'siem', { settled: 0, backlog_to: 0 }));
    receiver.refuse = () => 'no';
    receiver.faults.push(async () => {
      await database.transaction((tx) => deleteState(tx, 'siem'));
      return undefined;
    });
    await fixture.append(1);
    fixture.deliver({ definitions: { builtin: [], list } });
    await vi.waitFor(() => expect(receiver.closed).toBe(1), soon);
    expect(await database.read((query) => readDeadLetters(query, 'siem', { limit: 10 }))).toEqual([]);
    expect(await fixture.reported('sink.events_refused')).toEqual([]);
  });

  it('one whose sink was taken stores nothing of it any more', async () => {
    const [first, second] = [await leases(), await leases()];
    const lease = await first.take('siem');
    await second.take('siem');
    await vi.waitFor(async () => expect(await second.take('siem')).toBeDefined(), soon);
    const stored = await fixture.database.transaction((tx) =>
      storeProgress(tx, 'siem', lease?.holder ?? '', { settled: 99, taken: 1 }),
    );
    expect(stored).toBeUndefined();
    expect((await fixture.state('siem')).settled).toBe(0);
  });
});
