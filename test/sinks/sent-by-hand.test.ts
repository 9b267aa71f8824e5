import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SINK_TEST_MS } from '../../bridge/lib/limits.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { faults } from '../fakes/fake-receiver.ts';
import { soon } from './delivery-fixture.ts';
import { BY, type SinksFixture, sinksFixture } from './sinks-fixture.ts';

let fixture: SinksFixture;
let id: string;

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

beforeEach(async () => {
  fixture = await sinksFixture();
  const settings = { url: 'https://siem.example/' };
  const filter = { types: ['person.*'] };
  await fixture.append(5);
  ({ id } = await fixture.sinks.create(
    { name: 'siem', kind: 'fake', settings, filter, from: 'beginning' },
    BY,
  ));
  await vi.waitFor(() => expect(fixture.receiver.seqs).toEqual(range(1, 5)), soon);
});
afterEach(() => fixture.remove());

describe('a test event', () => {
  it('arrives, and it is said how long that took', async () => {
    const answer = await fixture.sinks.test('siem', BY);
    expect(answer).toMatchObject({ accepted: true, code: null, detail: null });
    expect(answer.took_ms).toBeLessThan(SINK_TEST_MS);
    const event = fixture.receiver.taken.at(-1);
    expect(event).toMatchObject({ seq: 0, type: 'sink.tested', event_id: answer.event_id });
    expect(await fixture.reported('sink.tested')).toMatchObject([
      { actor: BY.actor, outcome: 'success', data: { sink: id, test: answer.event_id } },
    ]);
  });

  it('shows the receiver’s words when it does not', async () => {
    fixture.receiver.fault = faults.misconfigured();
    expect(await fixture.sinks.test('siem', BY)).toMatchObject({
      ...{ accepted: false, code: 'sink_misconfigured', detail: '401: invalid token' },
    });
    fixture.receiver.fault = undefined;
    fixture.receiver.refuse = () => 'schema';
    expect(await fixture.sinks.test('siem', BY)).toMatchObject({
      ...{ accepted: false, code: 'sink_batch_refused', detail: 'schema' },
    });
    expect(await fixture.reported('sink.tested')).toMatchObject([
      { outcome: 'failure', code: 'sink_misconfigured' },
      { outcome: 'failure', code: 'sink_batch_refused' },
    ]);
  });

  it('that arrives in one replica ends the wait of another for that sink', async () => {
    const { receiver } = fixture;
    receiver.fault = faults.unavailable(600);
    await fixture.append(1);
    await vi.waitFor(async () => expect((await fixture.sinks.get(id)).health.state).toBe('failing'), soon);
    const other = await fixture.replica();
    receiver.fault = undefined;
    expect(await other.test(id, BY)).toMatchObject({ accepted: true });
    await vi.waitFor(async () => expect((await fixture.sinks.get(id)).health.state).toBe('ok'), soon);
    expect(receiver.taken.filter(({ type }) => type === 'person.closed')).toHaveLength(6);
  });

  it('goes to a paused sink too, and leaves its place as it was', async () => {
    await fixture.sinks.change(id, { status: 'paused' }, BY);
    await vi.waitFor(() => expect(fixture.receiver.closed).toBe(fixture.receiver.opened), soon);
    const { settled } = (await fixture.sinks.get(id)).health;
    expect(await fixture.sinks.test(id, BY)).toMatchObject({ accepted: true });
    expect((await fixture.sinks.get(id)).health.settled).toBe(settled);
  });

  it('goes through the sink of the configuration', async () => {
    expect(await fixture.sinks.test('stdout', BY)).toMatchObject({ accepted: true });
    expect(fixture.builtin.taken.some(({ seq }) => seq === 0)).toBe(true);
  });

  it('has what it asks to be acknowledged', async () => {
    fixture.receiver.acknowledges = 'later';
    const before = fixture.receiver.settlings;
    await fixture.sinks.test(id, BY);
    expect(fixture.receiver.settlings).toBe(before + 1);
  });
});

describe('a replay that an administrator asks for', () => {
  const replayed = () => fixture.receiver.taken.filter(({ replay }) => replay).map(({ seq }) => seq);

  it('brings a range by seq', async () => {
    const replay = await fixture.sinks.replay(id, { from_seq: 2, to_seq: 4 }, BY);
    expect(replay).toMatchObject({ from_seq: 2, to_seq: 4, done_seq: 1, status: 'running' });
    await vi.waitFor(async () => {
      const { replays } = (await fixture.sinks.get(id)).health;
      expect(replays).toMatchObject([{ id: replay.id, done_seq: 4, status: 'finished' }]);
    }, soon);
    expect(replayed()).toEqual([2, 3, 4]);
    expect(await fixture.reported('sink.replay_started')).toMatchObject([{ actor: BY.actor }]);
  });

  it('brings a range by time', async () => {
    const [from, to] = [-60_000, 60_000].map((ms) => new Date(Date.now() + ms).toISOString());
    await fixture.sinks.replay(id, { from: from ?? '', to: to ?? '' }, BY);
    await vi.waitFor(() => expect(replayed()).toEqual(range(1, 5)), soon);
  });

  it('ends at the newest event', async () => {
    const { to_seq } = await fixture.sinks.replay(id, { from_seq: 1, to_seq: 1e9 }, BY);
    expect(to_seq).toBeLessThan(20);
  });

  it.each([
    ['nothing', { from_seq: 4, to_seq: 3 }],
    ['what is not there yet', { from_seq: 1_000, to_seq: 2_000 }],
    ['what is before the first', { from_seq: 0, to_seq: 3 }],
    ['a time that is none', { from: 'yesterday', to: 'today' }],
    ['a time before all', { from: '2001-01-01T00:00:00Z', to: '2002-01-01T00:00:00Z' }],
  ])('does not bring %s', async (_, asked) => {
    await expect(fixture.sinks.replay(id, asked, BY)).rejects.toMatchObject({ code: 'malformed_request' });
  });

  it('does not bring what is not kept any more', async () => {
    await fixture.database.transaction((tx) => tx.deleteFrom('events').where('seq', '<=', 2).execute());
    const asked = fixture.sinks.replay(id, { from_seq: 2, to_seq: 4 }, BY);
    await expect(asked).rejects.toMatchObject({
      code: 'events_pruned',
      detail: expect.stringContaining('3'),
    });
    await fixture.sinks.replay(id, { from_seq: 3, to_seq: 4 }, BY);
    await vi.waitFor(() => expect(replayed()).toEqual([3, 4]), soon);
  });

  it('can be ended, once', async () => {
    fixture.receiver.fault = faults.hangs();
    const { id: replay } = await fixture.sinks.replay(id, { from_seq: 1, to_seq: 5 }, BY);
    expect(await fixture.sinks.cancelReplay(id, replay, BY)).toMatchObject({ status: 'cancelled' });
    const again = fixture.sinks.cancelReplay(id, replay, BY);
    await expect(again).rejects.toMatchObject({ code: 'replay_unknown' });
    await expect(fixture.sinks.cancelReplay('stdout', replay, BY)).rejects.toMatchObject({
      code: 'replay_unknown',
    });
  });

  it('does not go to a paused sink', async () => {
    await fixture.sinks.change(id, { status: 'paused' }, BY);
    const asked = fixture.sinks.replay(id, { from_seq: 1, to_seq: 2 }, BY);
    await expect(asked).rejects.toMatchObject({ code: 'sink_closed' });
  });
});

describe('a receiver that wants no more events', () => {
  const gone = async () => {
    throw new CountersignError('sink_gone', 'The receiver answered 410: unsubscribed');
  };

  it('has its sink paused, which says why, and is asked no more until that is resumed', async () => {
    fixture.receiver.fault = gone;
    await fixture.append(2);
    await vi.waitFor(async () => expect((await fixture.sinks.get(id)).status).toBe('paused'), soon);
    const { health } = await fixture.sinks.get(id);
    expect(health).toMatchObject({
      state: 'paused',
      last_error: { code: 'sink_gone', detail: 'The receiver answered 410: unsubscribed' },
    });
    expect(await fixture.reported('sink.paused')).toMatchObject([
      {
        ...{ actor: { kind: 'system' }, outcome: 'failure', code: 'sink_gone' },
        data: { sink: id, name: 'siem', detail: 'The receiver answered 410: unsubscribed' },
      },
    ]);
    fixture.receiver.fault = undefined;
    await fixture.sinks.change(id, { status: 'enabled' }, BY);
    await vi.waitFor(() => expect(fixture.receiver.seqs).toHaveLength(7), soon);
  });

  it('has it paused again where it is resumed too early', async () => {
    fixture.receiver.fault = gone;
    await fixture.append(1);
    const paused = async () => (await fixture.sinks.get(id)).status === 'paused';
    await vi.waitFor(async () => expect(await paused()).toBe(true), soon);
    await fixture.sinks.change(id, { status: 'enabled' }, BY);
    await vi.waitFor(async () => expect(await fixture.reported('sink.paused')).toHaveLength(2), soon);
  });
});

describe('an event that an administrator has skipped', () => {
  it('is laid aside with what was wrong, and the sink goes on behind it', async () => {
    let stuck: number | undefined;
    fixture.receiver.fault = async (events) => {
      stuck ??= events[0]?.seq;
      if (!events.some(({ seq }) => seq === stuck)) return undefined;
      throw new CountersignError('sink_unavailable', 'the connection was reset');
    };
    await fixture.append(3);
    await vi.waitFor(async () => expect((await fixture.sinks.get(id)).health.state).toBe('failing'), soon);
    const skipped = await fixture.sinks.skip(id, BY);
    expect(skipped).toMatchObject({ seq: stuck, type: 'person.closed' });
    await vi.waitFor(() => expect(fixture.receiver.seqs).toHaveLength(7), soon);
    expect(fixture.receiver.seqs).not.toContain(stuck);
    const { dead_letters: letters } = await fixture.sinks.deadLetters(id, { limit: 10 });
    expect(letters).toMatchObject([
      { seq: skipped.seq, words: 'Skipped by an administrator. the connection was reset' },
    ]);
    expect(await fixture.reported('sink.event_skipped')).toMatchObject([
      { data: { sink: id, seq: skipped.seq, event: skipped.event_id } },
    ]);
  });

  it('is one that waits: where none does, it is a conflict', async () => {
    await expect(fixture.sinks.skip(id, BY)).rejects.toMatchObject({ code: 'conflict' });
    await expect(fixture.sinks.skip('nobody', BY)).rejects.toMatchObject({ code: 'sink_unknown' });
  });
});

describe('dead letters', () => {
  beforeEach(async () => {
    fixture.receiver.refuse = () => 'no';
    await fixture.append(3);
    await vi.waitFor(async () => expect((await fixture.sinks.get(id)).health.dead_letters).toBe(3), soon);
  });

  const seqs = async () =>
    (await fixture.sinks.deadLetters(id, { limit: 10 })).dead_letters.map(({ seq }) => seq);

  it('are shown page by page, with the receiver’s words', async () => {
    const first = await fixture.sinks.deadLetters(id, { limit: 2 });
    expect(first.dead_letters).toMatchObject([{ words: 'no', tries: 1, resending: false }, { words: 'no' }]);
    const last = await fixture.sinks.deadLetters(id, { after: first.next ?? 0, limit: 2 });
    expect(last).toMatchObject({ dead_letters: [{ words: 'no' }], next: null });
  });

  it('can be sent again', async () => {
    fixture.receiver.refuse = () => undefined;
    expect(await fixture.sinks.resend(id, 'all', BY)).toEqual({ resent: 3 });
    await vi.waitFor(async () => expect(await seqs()).toEqual([]), soon);
    expect(await fixture.reported('sink.dead_letters_resent')).toMatchObject([{ data: { events: 3 } }]);
  });

  it('can be forgotten', async () => {
    const [first = 0, ...others] = await seqs();
    expect(await fixture.sinks.discard(id, [first], BY)).toEqual({ discarded: 1 });
    expect(await seqs()).toEqual(others);
    expect(await fixture.reported('sink.dead_letters_discarded')).toMatchObject([{ data: { events: 1 } }]);
  });

  it('must all be there to be sent or forgotten', async () => {
    const [first = 0] = await seqs();
    const asked = [
      fixture.sinks.resend(id, [first, 999], BY),
      fixture.sinks.discard(id, [first, 999], BY),
      fixture.sinks.discard('stdout', [first], BY),
    ];
    await Promise.all(
      asked.map((each) => expect(each).rejects.toMatchObject({ code: 'dead_letter_unknown' })),
    );
    expect(await seqs()).toHaveLength(3);
  });
});
