import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readDeadLetters } from '../../bridge/events/delivery/dead-letters.ts';
import type { StoredEvent } from '../../bridge/events/event.ts';
import { type FakeReceiver, fakeReceiver } from '../fakes/fake-receiver.ts';
import { type DeliveryFixture, deliveryFixture, into, soon } from './delivery-fixture.ts';

let fixture: DeliveryFixture;
let receiver: FakeReceiver;

beforeEach(async () => {
  fixture = await deliveryFixture();
  receiver = fakeReceiver();
  fixture.definitions = [into(receiver, 'siem', { filter: { types: ['person.*'] } })];
});
afterEach(() => fixture.remove());

const letters = () => fixture.database.read((query) => readDeadLetters(query, 'siem', { limit: 100_000 }));
const seqsOfLetters = async () => (await letters()).map(({ seq }) => seq);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const isOneOf =
  (...seqs: number[]) =>
  ({ seq }: Pick<StoredEvent, 'seq'>) =>
    seqs.includes(seq);

describe('an event that the receiver refuses', () => {
  it('is put aside with the receiver’s words, and those after it arrive', async () => {
    receiver.refuse = ({ seq }) => (seq === 2 ? 'mapper_parsing_exception' : undefined);
    await fixture.append(3);
    fixture.deliver();
    await vi.waitFor(() => expect(receiver.seqs).toEqual([1, 3]), soon);
    await vi.waitFor(async () => expect(await seqsOfLetters()).toEqual([2]), soon);
    const [letter] = await letters();
    expect(letter).toMatchObject({ words: 'mapper_parsing_exception', tries: 1, resend: 0 });
    expect((await fixture.state('siem')).settled).toBeGreaterThanOrEqual(3);
  });

  it('is found by halving, where the receiver refuses the batch around it', async () => {
    receiver.poison = isOneOf(137);
    await fixture.append(500);
    fixture.deliver();
    await vi.waitFor(async () => expect(await seqsOfLetters()).toEqual([137]), soon);
    await vi.waitFor(() => expect(receiver.seqs.at(-1)).toBe(500), soon);
    expect(receiver.seqs).toEqual(range(1, 500).filter((seq) => seq !== 137));
    // nine halvings of 500, and what they left
    expect(receiver.calls.length).toBeLessThan(20);
    expect(fixture.waits).toEqual([]);
  });

  it('is found beside others, each of them', async () => {
    receiver.poison = isOneOf(1, 2, 300, 499, 500);
    await fixture.append(500);
    fixture.deliver();
    await vi.waitFor(async () => expect(await seqsOfLetters()).toEqual([1, 2, 300, 499, 500]), soon);
    await vi.waitFor(() => expect(receiver.seqs).toHaveLength(495), soon);
    expect(receiver.seqs).toEqual(range(1, 500).filter((seq) => !isOneOf(1, 2, 300, 499, 500)({ seq })));
  });

  it('is not sent once more when those before it are', async () => {
    receiver.acknowledges = 'later';
    receiver.batch = 4;
    receiver.poison = isOneOf(6);
    await fixture.append(8);
    fixture.deliver();
    await vi.waitFor(
      async () => expect((await fixture.state('siem')).settled).toBeGreaterThanOrEqual(8),
      soon,
    );
    expect(await letters()).toMatchObject([{ seq: 6, tries: 1 }]);
    expect([...new Set(receiver.seqs)].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 7, 8]);
  });

  it('slows the stream down where all are refused: it may be the receiver that is wrong', async () => {
    receiver.refuse = () => 'index is read-only';
    await fixture.append(2_000);
    receiver.batch = 10;
    fixture.deliver({ pause: (_, signal) => once(signal, 'abort') });
    await vi.waitFor(async () => expect((await fixture.state('siem')).failures).toBe(1), soon);
    expect(receiver.calls.flat().length).toBeLessThan(40);
    expect((await fixture.state('siem')).error_code).toBe('sink_batch_refused');
  });

  it('is reported with others, once a minute, and what is about sinks not at all', async () => {
    fixture.definitions = [into(receiver)];
    receiver.refuse = () => 'no';
    await fixture.append(3);
    fixture.deliver();
    await vi.waitFor(async () => expect(await fixture.reported('sink.events_refused')).toHaveLength(1), soon);
    await fixture.append(2);
    await vi.waitFor(async () => expect(await seqsOfLetters()).toHaveLength(6), soon);
    const [event] = await fixture.reported('sink.events_refused');
    expect(event?.data).toMatchObject({ sink: 'siem', from_seq: 1, to_seq: 3, events: 3, words: 'no' });
    expect(await fixture.reported('sink.events_refused')).toHaveLength(1);
    fixture.clock.advance(60_000);
    await vi.waitFor(async () => expect(await fixture.reported('sink.events_refused')).toHaveLength(2), soon);
    expect((await fixture.reported('sink.events_refused'))[1]?.data).toMatchObject({ events: 2 });
  });
});
