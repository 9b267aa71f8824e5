import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type FakeReceiver, fakeReceiver, faults } from '../fakes/fake-receiver.ts';
import { type DeliveryFixture, deliveryFixture, into, refusedRequest, soon } from './delivery-fixture.ts';

let fixture: DeliveryFixture;
let receiver: FakeReceiver;

beforeEach(async () => {
  fixture = await deliveryFixture();
  receiver = fakeReceiver();
  fixture.definitions = [into(receiver)];
});
afterEach(() => fixture.remove());

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const arrived = (seqs: number[]) => vi.waitFor(() => expect(receiver.seqs).toEqual(seqs), soon);

describe('a sink gets', () => {
  it('every event, in order, across batches and pages', async () => {
    receiver.batch = 70;
    await fixture.append(2_500);
    fixture.deliver();
    await arrived(range(1, 2_500));
    await vi.waitFor(async () => expect((await fixture.state('siem')).settled).toBe(2_500), soon);
  });

  it('what comes while it waits, without being asked', async () => {
    fixture.deliver();
    await fixture.append(1);
    await arrived([1]);
    await fixture.append(2);
    await arrived([1, 2, 3]);
  });

  it('after a restart, what it has not had', async () => {
    const first = fixture.deliver();
    await fixture.append(2);
    await arrived([1, 2]);
    await first.stop();
    await fixture.append(1);
    fixture.deliver();
    await arrived([1, 2, 3]);
  });

  it('the last events before it is closed', async () => {
    const delivery = fixture.deliver();
    await fixture.append(3);
    await delivery.stop();
    expect(receiver.seqs).toEqual([1, 2, 3]);
    expect(receiver.closed).toBe(receiver.opened);
    expect((await fixture.state('siem')).holder).toBeNull();
  });

  it('only what its filter lets pass, and is not behind because of the rest', async () => {
    fixture.definitions = [into(receiver, 'siem', { filter: { types: ['request.*'] } })];
    await fixture.append(3);
    await fixture.log.record(refusedRequest('/x'));
    await fixture.append(2);
    await fixture.log.settled();
    fixture.deliver();
    await arrived([4]);
    await vi.waitFor(async () => expect((await fixture.state('siem')).settled).toBe(6), soon);
  });

  it('events without what its redaction drops', async () => {
    fixture.definitions = [into(receiver, 'siem', { redaction: 'drop' })];
    await fixture.append(1);
    fixture.deliver();
    await vi.waitFor(() => expect(receiver.taken).toHaveLength(1), soon);
    expect(receiver.taken[0]?.data).toEqual({});
    expect(receiver.taken[0]?.redaction).toBe('drop');
  });
});

describe('after a fault', () => {
  it('the same comes again, with longer waits from try to try', async () => {
    fixture.definitions = [into(receiver, 'siem', { filter: { types: ['person.*'] } })];
    receiver.fault = faults.unavailable();
    await fixture.append(3);
    fixture.deliver();
    await vi.waitFor(() => expect(fixture.waits.length).toBeGreaterThan(12), soon);
    receiver.fault = undefined;
    await arrived([1, 2, 3]);
    expect(new Set(receiver.calls.map((call) => call.join()))).toEqual(new Set(['1,2,3']));
    expect(Math.max(...fixture.waits)).toBeLessThanOrEqual(60_000);
    expect(Math.max(...fixture.waits.slice(8))).toBeGreaterThan(200);
  });

  it('the wait is at least what the receiver asked for', async () => {
    receiver.faults.push(faults.unavailable(90));
    await fixture.append(1);
    fixture.deliver();
    await arrived([1]);
    expect(fixture.waits).toEqual([90_000]);
  });

  it('the wait that a receiver asked for is ended by what is done about its own sink alone', async () => {
    const other = fakeReceiver();
    for (const { faults: next } of [receiver, other]) next.push(faults.unavailable(90));
    const filter = { types: ['person.*'] };
    fixture.definitions = [into(receiver, 'siem', { filter }), into(other, 'other', { filter })];
    await fixture.append(1);
    const delivery = fixture.deliver({ pause: (_, signal) => once(signal, 'abort') });
    const failing = async (sink: string) => expect((await fixture.state(sink)).failures).toBe(1);
    await vi.waitFor(() => Promise.all(['siem', 'other'].map(failing)), soon);
    await delivery.wake('other');
    await vi.waitFor(async () => expect((await fixture.state('other')).settled).toBe(1), soon);
    expect(receiver.calls).toHaveLength(1);
    await delivery.wake('siem');
    await arrived([1]);
  });

  it('what was taken and not answered is repeated, and nothing is left out', async () => {
    receiver.faults.push(faults.losesAnswer(receiver));
    await fixture.append(2);
    fixture.deliver();
    await arrived([1, 2, 1, 2]);
  });

  it('a receiver that takes less than it is given gets the rest next', async () => {
    receiver.faults.push(faults.takes(receiver, 2));
    await fixture.append(5);
    fixture.deliver();
    await arrived([1, 2, 3, 4, 5]);
    expect(receiver.calls).toEqual([
      [1, 2, 3, 4, 5],
      [3, 4, 5],
    ]);
  });

  it('one that takes nothing and says nothing is waited for like one that fails', async () => {
    receiver.faults.push(async () => ({ sent: 0, settled: 0, refused: [] }));
    await fixture.append(1);
    fixture.deliver();
    await arrived([1]);
    expect(fixture.waits).toHaveLength(1);
  });

  it('what is sent ahead of its acknowledgement comes again', async () => {
    receiver.acknowledges = 'later';
    receiver.batch = 2;
    receiver.faults.push(async () => undefined, faults.unavailable());
    await fixture.append(4);
    fixture.deliver();
    await arrived([1, 2, 1, 2, 3, 4]);
    await vi.waitFor(async () => expect((await fixture.state('siem')).settled).toBe(4), soon);
    expect(receiver.settlings).toBeGreaterThan(0);
  });

  it('what was never acknowledged comes again after a restart', async () => {
    receiver.acknowledges = 'never';
    const first = fixture.deliver();
    await fixture.append(2);
    await arrived([1, 2]);
    await first.stop();
    receiver.acknowledges = 'at once';
    fixture.deliver();
    await arrived([1, 2, 1, 2]);
  });

  it('another sink is not held up, by one that fails nor by one that hangs', async () => {
    const [failing, hanging] = [fakeReceiver(), fakeReceiver()];
    failing.fault = faults.unavailable();
    hanging.fault = faults.hangs();
    fixture.definitions = [into(failing, 'failing'), into(hanging, 'hanging'), into(receiver)];
    await fixture.append(3);
    fixture.deliver();
    await arrived([1, 2, 3]);
  });

  it('a sink that hangs does not hold up the change or the log', async () => {
    receiver.fault = faults.hangs();
    fixture.deliver();
    await fixture.append(1);
    await vi.waitFor(() => expect(receiver.calls).toHaveLength(1), soon);
    await fixture.append(2);
    expect(await fixture.log.page({ since: 0, limit: 10 })).toHaveLength(3);
  });

  it('a sink whose settings cannot be opened is tried again', async () => {
    let tries = 0;
    const open = async () => {
      tries += 1;
      if (tries < 3) throw new TypeError('token=hunter2');
      return { sink: receiver.open() };
    };
    fixture.definitions = [into(receiver, 'siem', { open })];
    await fixture.append(1);
    fixture.deliver();
    await arrived([1]);
    const { error_code, error_detail } = await fixture.state('siem');
    expect(error_code).toBe('sink_unavailable');
    expect(error_detail).not.toContain('hunter2');
  });
});
