import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readDeadLetters } from '../../bridge/events/delivery/dead-letters.ts';
import {
  createSinkLeases,
  type LeaseTime,
  type SinkLease,
  type SinkLeases,
} from '../../bridge/events/delivery/sink-leases.ts';
import { deleteState, insertState, storeProgress } from '../../bridge/events/delivery/sink-states.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { quiet } from '../events/events-fixture.ts';
import { type FakeReceiver, fakeReceiver } from '../fakes/fake-receiver.ts';
import { type DeliveryFixture, deliveryFixture, into, soon } from './delivery-fixture.ts';

/** Long: a test that stands still for a while must not lose what it holds. */
const LEASE_MS = 60_000;

let fixture: DeliveryFixture;
let receiver: FakeReceiver;

beforeEach(async () => {
  fixture = await deliveryFixture();
  receiver = fakeReceiver();
});
afterEach(() => fixture.remove());

/** Time that passes when it is told to, the same for all that have it. */
function toldTime(): LeaseTime & { pass(ms: number): void } {
  let now = 0;
  const calls = new Set<{ readonly at: number; call(): void }>();
  return {
    now: () => now,
    after(ms, call) {
      const entry = { at: now + ms, call };
      calls.add(entry);
      return () => calls.delete(entry);
    },
    pass(ms) {
      now += ms;
      for (const entry of [...calls].filter(({ at }) => at <= now)) {
        calls.delete(entry);
        entry.call();
      }
    },
  };
}

async function leases(
  time: LeaseTime,
  database?: Pick<Database, 'read' | 'transaction'>,
): Promise<SinkLeases> {
  const common = { logger: quiet, builtin: ['siem'], lifeMs: LEASE_MS, time };
  return createSinkLeases({ ...common, database: database ?? (await fixture.openAnother()).database });
}

describe('of several processes on one store', () => {
  it('one delivers to a sink, and each event once', async () => {
    fixture.definitions = [into(receiver)];
    receiver.batch = 7;
    const other = await fixture.openAnother();
    other.log.start();
    fixture.deliver({ leaseMs: LEASE_MS });
    fixture.deliver({ leaseMs: LEASE_MS, database: other.database, log: other.log });
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
    const time = toldTime();
    const [killed, heir] = [await leases(time), await leases(time)];
    expect(await killed.take('siem')).toBeDefined();
    expect(await heir.take('siem')).toBeUndefined();
    time.pass(LEASE_MS - 1);
    expect(await heir.take('siem')).toBeUndefined();
    time.pass(1);
    expect(await heir.take('siem')).toBeDefined();
  });

  it('one that lives keeps what it has', async () => {
    const time = toldTime();
    const [holder, other] = [await leases(time), await leases(time)];
    const lease = await holder.take('siem');
    for (let beats = 0; beats < 8; beats += 1) {
      expect(await other.take('siem')).toBeUndefined();
      time.pass(LEASE_MS / 2);
      await holder.beat();
    }
    expect(lease?.lost.aborted).toBe(false);
  });

  it('one that lives beats by itself', async () => {
    const { database } = await fixture.openAnother();
    const holder = createSinkLeases({ database, logger: quiet, builtin: ['siem'], lifeMs: 8_000 });
    const lease = await holder.take('siem');
    holder.start();
    const beats = async () => expect((await fixture.state('siem')).beat).toBeGreaterThan(1);
    await vi.waitFor(beats, { ...soon, timeout: 20_000 });
    await holder.stop();
    await lease?.release();
  });

  it('one that does not get to the store lets go before another may begin', async () => {
    const { database } = await fixture.openAnother();
    const time = toldTime();
    let broken = false;
    const flaky: Pick<Database, 'read' | 'transaction'> = {
      read: (work) => database.read(work),
      transaction: async (work) => {
        if (broken) throw new Error('no route to host');
        return database.transaction(work);
      },
    };
    const [holder, other] = [await leases(time, flaky), await leases(time)];
    const lease = await holder.take('siem');
    expect(await other.take('siem')).toBeUndefined();
    broken = true;
    await expect(holder.beat()).rejects.toThrow('no route');
    await letsGoFirst(time, lease, other);
  });

  it('one whose store hangs lets go before another may begin', async () => {
    const { database } = await fixture.openAnother();
    const time = toldTime();
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
    const [holder, other] = [await leases(time, hanging), await leases(time)];
    const lease = await holder.take('siem');
    expect(await other.take('siem')).toBeUndefined();
    hangs = true;
    const beating = holder.beat();
    await letsGoFirst(time, lease, other);
    answer();
    await beating;
  });

  async function letsGoFirst(
    time: ReturnType<typeof toldTime>,
    lease: SinkLease | undefined,
    other: SinkLeases,
  ): Promise<void> {
    time.pass(0.8 * LEASE_MS);
    expect(lease?.lost.aborted).toBe(true);
    expect(await other.take('siem')).toBeUndefined();
    time.pass(0.2 * LEASE_MS);
    expect(await other.take('siem')).toBeDefined();
  }

  it('none takes a sink that was removed, nor begins it anew', async () => {
    expect(await (await leases(toldTime())).take('removed')).toBeUndefined();
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
    const time = toldTime();
    const [first, second] = [await leases(time), await leases(time)];
    const lease = await first.take('siem');
    await second.take('siem');
    time.pass(LEASE_MS);
    expect(await second.take('siem')).toBeDefined();
    const stored = await fixture.database.transaction((tx) =>
      storeProgress(tx, 'siem', lease?.holder ?? '', { settled: 99, taken: 1 }),
    );
    expect(stored).toBeUndefined();
    expect((await fixture.state('siem')).settled).toBe(0);
  });
});
