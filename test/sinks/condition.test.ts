import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { watchBuffers } from '../../bridge/events/delivery/buffer-watch.ts';
import { oldestNeeded } from '../../bridge/events/delivery/oldest-needed.ts';
import { insertReplay } from '../../bridge/events/delivery/replays.ts';
import { insertState, type SinkStart } from '../../bridge/events/delivery/sink-states.ts';
import { newId } from '../../bridge/lib/ids.ts';
import { type FakeReceiver, fakeReceiver, faults } from '../fakes/fake-receiver.ts';
import { type DeliveryFixture, deliveryFixture, into, soon } from './delivery-fixture.ts';

let fixture: DeliveryFixture;
let receiver: FakeReceiver;

beforeEach(async () => {
  fixture = await deliveryFixture();
  receiver = fakeReceiver();
  fixture.definitions = [into(receiver)];
});
afterEach(() => fixture.remove());

const reports = (type: string, count: number) =>
  vi.waitFor(async () => expect(await fixture.reported(type)).toHaveLength(count), soon);

describe('a sink that fails', () => {
  it('is reported once, with the code and the words, and once more when it takes events again', async () => {
    receiver.fault = faults.misconfigured();
    await fixture.append(1);
    fixture.deliver();
    await vi.waitFor(() => expect(fixture.waits.length).toBeGreaterThan(20), soon);
    expect(await fixture.reported('sink.failing')).toMatchObject([
      { code: 'sink_misconfigured', data: { sink: 'siem', detail: '401: invalid token', failures: 3 } },
    ]);
    expect(await fixture.reported('sink.recovered')).toEqual([]);
    receiver.fault = undefined;
    await reports('sink.recovered', 1);
    expect(await fixture.state('siem')).toMatchObject({ failures: 0, failing: 0 });
    expect((await fixture.state('siem')).error_code).toBe('sink_misconfigured');
  });

  it('is not reported for a hiccup', async () => {
    receiver.faults.push(faults.unavailable(), faults.unavailable());
    await fixture.append(1);
    fixture.deliver();
    await vi.waitFor(() => expect(receiver.seqs).toEqual([1]), soon);
    expect(await fixture.reported('sink.failing')).toEqual([]);
  });

  it('is reported at most once a minute, however often it comes and goes', async () => {
    receiver.faults.push(...Array.from({ length: 3 }, () => faults.unavailable()));
    await fixture.append(1);
    fixture.deliver();
    await reports('sink.recovered', 1);
    receiver.faults.push(...Array.from({ length: 9 }, () => faults.unavailable()));
    await fixture.append(1);
    await vi.waitFor(() => expect(receiver.faults).toEqual([]), soon);
    await vi.waitFor(async () => expect((await fixture.state('siem')).failures).toBe(0), soon);
    expect(await fixture.reported('sink.failing')).toHaveLength(1);
    fixture.clock.advance(60_000);
    receiver.fault = faults.unavailable();
    await fixture.append(1);
    await reports('sink.failing', 2);
  });

  it('shows nothing of an error that it should not have thrown', async () => {
    receiver.fault = faults.broken();
    await fixture.append(1);
    fixture.deliver();
    await reports('sink.failing', 1);
    expect(JSON.stringify(await fixture.reported('sink.failing'))).not.toContain('hunter2');
    expect((await fixture.state('siem')).error_detail).not.toContain('hunter2');
  });
});

describe('the buffer', () => {
  const watch = (bufferEvents: number, id = 'siem') =>
    watchBuffers(fixture, [{ id, name: id }], bufferEvents);
  const begin = (id: string, start: SinkStart) =>
    fixture.database.transaction((tx) => insertState(tx, id, start));

  beforeEach(() => begin('siem', { settled: 0, backlog_to: 0 }));

  it('raises an alarm at half, at four fifths and at all of it, each once', async () => {
    await fixture.append(10);
    await watch(21);
    expect(await fixture.reported('sink.buffer_filling')).toEqual([]);
    await watch(20);
    await watch(20);
    expect(await fixture.reported('sink.buffer_filling')).toMatchObject([
      { data: { percent: 50, behind: 10 } },
    ]);
    await watch(13);
    await watch(11);
    const alarms = await fixture.reported('sink.buffer_filling');
    expect(alarms.map(({ data }) => data)).toMatchObject([
      { percent: 50 },
      { percent: 80 },
      { percent: 100 },
    ]);
  });

  it('says when the sink has caught up, not when it comes and goes around a mark', async () => {
    await fixture.append(10);
    await watch(20);
    const delivery = fixture.deliver();
    await vi.waitFor(() => expect(receiver.taken.length).toBeGreaterThanOrEqual(10), soon);
    await delivery.stop();
    await watch(20);
    expect(await fixture.reported('sink.caught_up')).toHaveLength(1);
    expect((await fixture.state('siem')).alarm).toBe(0);
  });

  it('gives up the oldest beyond it, and names them', async () => {
    await fixture.append(10);
    await watch(4);
    expect(await fixture.reported('sink.overflowed')).toMatchObject([
      { data: { sink: 'siem', from_seq: 1, to_seq: 6 } },
    ]);
    expect((await fixture.state('siem')).settled).toBe(6);
    await fixture.append(10);
    await watch(4);
    expect(await fixture.reported('sink.overflowed')).toHaveLength(1);
    fixture.clock.advance(60_000);
    await watch(4);
    expect(await fixture.reported('sink.overflowed')).toHaveLength(2);
  });

  it('of a sink that begins with the first event does not bound what was there before it', async () => {
    await fixture.append(10);
    await begin('late', { settled: 0, backlog_to: 10 });
    await watch(4, 'late');
    expect((await fixture.state('late')).settled).toBe(0);
    expect(await fixture.reported('sink.overflowed')).toEqual([]);
    expect(await fixture.reported('sink.buffer_filling')).toEqual([]);
    const needed = await fixture.database.read((query) =>
      oldestNeeded(query, { bufferEvents: 4, builtin: ['late'] }),
    );
    expect(needed).toBe(1);
  });

  it('bounds that sink too, once a whole buffer of new events waits for it', async () => {
    await fixture.append(10);
    await begin('late', { settled: 2, backlog_to: 10 });
    await fixture.append(5);
    await watch(4, 'late');
    expect(await fixture.reported('sink.overflowed')).toMatchObject([
      { data: { sink: 'late', from_seq: 3, to_seq: 11 } },
    ]);
  });

  it('that overflowed is not sent to a receiver that comes back', async () => {
    receiver.fault = faults.unavailable();
    await fixture.append(10);
    fixture.deliver();
    await vi.waitFor(() => expect(fixture.waits.length).toBeGreaterThan(2), soon);
    await watch(4);
    await vi.waitFor(() => expect(receiver.calls.at(-1)?.[0]).toBeGreaterThan(6), soon);
    receiver.fault = undefined;
    await vi.waitFor(() => expect(receiver.seqs).toContain(10), soon);
    expect(receiver.seqs[0]).toBeGreaterThan(6);
  });
});

describe('what is still needed', () => {
  const needed = (bufferEvents: number, builtin = ['siem']) =>
    fixture.database.read((query) => oldestNeeded(query, { bufferEvents, builtin }));

  it('is what a sink has not taken, as far as its buffer goes back', async () => {
    await fixture.append(10);
    expect(await needed(100)).toBe(11);
    await fixture.database.transaction((tx) => insertState(tx, 'siem', { settled: 3, backlog_to: 0 }));
    expect(await needed(100)).toBe(4);
    expect(await needed(5)).toBe(6);
  });

  it('is nothing of a sink that the configuration does not have any more', async () => {
    await fixture.append(10);
    await fixture.database.transaction((tx) => insertState(tx, 'siem', { settled: 3, backlog_to: 0 }));
    expect(await needed(100, [])).toBe(11);
  });

  it('is what a replay has not brought', async () => {
    await fixture.append(10);
    await fixture.database.transaction((tx) =>
      insertReplay(tx, {
        ...{ id: newId(), sink: 'siem', from_seq: 2, to_seq: 5, done_seq: 3 },
        ...{ status: 'running', created: 0 },
      }),
    );
    expect(await needed(5)).toBe(4);
  });
});
