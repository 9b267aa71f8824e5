import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readDeadLetters } from '../../bridge/events/delivery/dead-letters.ts';
import type { StoredEvent } from '../../bridge/events/event.ts';
import { SINK_EVENT_PAGE, SINK_FAULTS_IN_ROW } from '../../bridge/lib/limits.ts';
import { AnsweredFault } from '../../connectors/siem/answered-fault.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { type FakeReceiver, type Fault, fakeReceiver } from '../fakes/fake-receiver.ts';
import { type DeliveryFixture, deliveryFixture, into, refusedRequest, soon } from './delivery-fixture.ts';

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
const firsts = () => [...new Set(receiver.seqs)];

/** As a firewall does that finds something in what one of the events holds. */
const forbids =
  (isBad: (event: Pick<StoredEvent, 'seq'>) => boolean): Fault =>
  async (events) => {
    if (events.some(isBad)) throw new AnsweredFault('sink_misconfigured', 'The receiver answered 403: WAF');
    return undefined;
  };
const isOneOf =
  (...seqs: number[]) =>
  ({ seq }: Pick<StoredEvent, 'seq'>) =>
    seqs.includes(seq);
const answers =
  (status: number, retryAfter?: number): Fault =>
  async () => {
    const options = retryAfter === undefined ? {} : { retryAfter };
    throw new AnsweredFault('sink_unavailable', `The receiver answered ${status}`, options);
  };

describe('one event that provokes a fault', () => {
  it('does not silence the sink: it is laid aside with the receiver’s words, and the others arrive in order', async () => {
    receiver.fault = forbids(isOneOf(137));
    await fixture.append(300);
    fixture.deliver();
    await vi.waitFor(() => expect(receiver.seqs.at(-1)).toBe(300), soon);
    await vi.waitFor(async () => expect(await seqsOfLetters()).toEqual([137]), soon);
    expect(firsts()).toEqual(range(1, 300).filter((seq) => seq !== 137));
    const [letter] = await letters();
    expect(letter?.words).toBe('Laid aside, as others are taken. The receiver answered 403: WAF');
    // it is not jumped to: first it may be an outage
    expect(receiver.calls.slice(0, SINK_FAULTS_IN_ROW)).toEqual(
      Array(SINK_FAULTS_IN_ROW).fill(receiver.calls[0]),
    );
  });

  it('is found beside others that do, also where they follow one another', async () => {
    const bad = isOneOf(50, 51, 52, 180, 299);
    receiver.fault = forbids(bad);
    await fixture.append(300);
    fixture.deliver();
    await vi.waitFor(async () => expect(await seqsOfLetters()).toEqual([50, 51, 52, 180, 299]), soon);
    await vi.waitFor(() => expect(receiver.seqs.at(-1)).toBe(300), soon);
    expect(firsts()).toEqual(range(1, 300).filter((seq) => !bad({ seq })));
  });

  it('is found after a restart, as the first that is sent', async () => {
    await fixture.append(20);
    await fixture.deliver().stop();
    expect(receiver.seqs.at(-1)).toBe(20);
    receiver.fault = forbids(isOneOf(21));
    await fixture.append(20);
    fixture.deliver();
    await vi.waitFor(async () => expect(await seqsOfLetters()).toEqual([21]), soon);
    await vi.waitFor(() => expect(receiver.seqs.at(-1)).toBe(40), soon);
  });

  it('is found where few of the events are for the sink', async () => {
    await fixture.append(3);
    const others = Array.from({ length: 2 * SINK_EVENT_PAGE }, () => refusedRequest('/v1/people'));
    await fixture.database.transaction(async (tx) => {
      for (const body of others) await fixture.log.append(tx, body);
    });
    await fixture.append(3);
    const [bad, last] = [3 + others.length + 1, 3 + others.length + 3];
    receiver.fault = forbids(isOneOf(bad));
    fixture.deliver();
    await vi.waitFor(async () => expect(await seqsOfLetters()).toEqual([bad]), soon);
    await vi.waitFor(() => expect(receiver.seqs.at(-1)).toBe(last), soon);
  });

  it('waits where nothing follows it, for then it holds up nothing', async () => {
    receiver.fault = forbids(isOneOf(30));
    await fixture.append(30);
    fixture.deliver();
    await vi.waitFor(() => expect(fixture.waits.length).toBeGreaterThan(SINK_FAULTS_IN_ROW * 3), soon);
    expect(await letters()).toEqual([]);
    await fixture.append(1);
    await vi.waitFor(async () => expect(await seqsOfLetters()).toEqual([30]), soon);
    await vi.waitFor(() => expect(receiver.seqs.at(-1)).toBeGreaterThan(30), soon);
  });

  it('is laid aside once more where it is sent again and provokes the fault again', async () => {
    receiver.fault = forbids(isOneOf(7));
    await fixture.append(12);
    const delivery = fixture.deliver();
    await vi.waitFor(async () => expect(await seqsOfLetters()).toEqual([7]), soon);
    await fixture.database.transaction((tx) =>
      tx.updateTable('sink_dead_letters').set({ resend: 1 }).execute(),
    );
    await delivery.wake('siem');
    await vi.waitFor(
      async () => expect(await letters()).toMatchObject([{ seq: 7, tries: 2, resend: 0 }]),
      soon,
    );
  });
});

describe('an event beside one that provokes a fault', () => {
  const resets = new CountersignError('sink_unavailable', 'The connection was reset');
  const asksForTime = new AnsweredFault('sink_unavailable', 'The receiver answered 503', { retryAfter: 1 });

  it.each([
    ['breaks off', resets],
    ['asks to be left alone', asksForTime],
  ])('is not laid aside with it as the receiver %s when it is tried', async (_, hiccup) => {
    await fixture.append(20);
    await fixture.deliver().stop();
    let hiccups = 0;
    receiver.fault = async (events, signal) => {
      if (events.length === 1 && events[0]?.seq === 22 && hiccups++ === 0) throw hiccup;
      return forbids(isOneOf(21))(events, signal);
    };
    await fixture.append(20);
    fixture.deliver();
    await vi.waitFor(() => expect(receiver.seqs.at(-1)).toBe(40), soon);
    await vi.waitFor(async () => expect(await seqsOfLetters()).toEqual([21]), soon);
    expect(hiccups).toBeGreaterThan(1);
  });
});

describe('a receiver that fails', () => {
  /** All that was sent while it did, after so many tries that it was looked for an event at fault. */
  async function failsFor(fault: Fault): Promise<void> {
    await fixture.append(40);
    fixture.deliver();
    await vi.waitFor(() => expect(receiver.seqs.at(-1)).toBe(40), soon);
    receiver.fault = fault;
    await fixture.append(40);
    const tries = fixture.waits.length;
    await vi.waitFor(
      () => expect(fixture.waits.length).toBeGreaterThan(tries + SINK_FAULTS_IN_ROW * 3),
      soon,
    );
    receiver.fault = undefined;
    await vi.waitFor(() => expect(receiver.seqs.at(-1)).toBe(80), soon);
    expect(await letters()).toEqual([]);
    expect(firsts()).toEqual(range(1, 80));
  }

  it('for everything has nothing laid aside, and gets all when it is back', () => failsFor(answers(500)));

  it('to which whatever it has not seen is new, and repeats are not, has nothing laid aside', () =>
    failsFor(forbids(({ seq }) => seq > 40)));

  it('as it has too much to do has nothing laid aside', async () => {
    await failsFor(answers(429, 0));
    expect(receiver.calls.some((seqs) => seqs.length === 1)).toBe(false);
  });

  it.each([
    [2, 'one of two'],
    [3, 'one of three'],
  ])('at every call in %i, as %s servers behind it does, has nothing laid aside', async (servers) => {
    await fixture.append(40);
    fixture.deliver();
    await vi.waitFor(() => expect(receiver.seqs.at(-1)).toBe(40), soon);
    receiver.fault = answers(500);
    await fixture.append(40);
    const tries = fixture.waits.length;
    await vi.waitFor(
      () => expect(fixture.waits.length).toBeGreaterThan(tries + SINK_FAULTS_IN_ROW * 3),
      soon,
    );
    let call = 0;
    receiver.fault = async (events, signal) =>
      call++ % servers === 0 ? answers(500)(events, signal) : undefined;
    await vi.waitFor(() => expect(receiver.seqs.at(-1)).toBe(80), soon);
    expect(firsts()).toEqual(range(1, 80));
    expect(await letters()).toEqual([]);
  });

  it('now and then has nothing laid aside', async () => {
    let call = 0;
    await failsFor(async (events, signal) => (++call % 12 === 0 ? undefined : answers(502)(events, signal)));
  });
});
