import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Sink, SinkEvent } from '../../connectors/siem/sink.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { deliverAll } from './reference-driver.ts';
import { HOSTILE_TEXTS, makeEvents } from './sink-events.ts';

/** Brings a fault about; what it answers ends the fault. */
export type BeginFault = () => EndFault | Promise<EndFault>;
export type EndFault = () => void | Promise<void>;

/** A sink with its receiver, and the ways in which that receiver can fail. */
export interface SinkFixture {
  /** A new sink to the same receiver. */
  open(): Sink;
  /** `event_id`s with the receiver, in order of arrival, repeats included. */
  held(): readonly string[] | Promise<readonly string[]>;
  /** What the sink sent against the receiver's specification. */
  breaches(): readonly string[];
  /** Whatever must stand in no error and no line of the log. */
  readonly secrets: readonly string[];
  /** All that the sink logged. */
  log(): string;
  /** Only what cannot happen with this transport is left out. */
  readonly faults: {
    /** Nothing is taken: the receiver is away or full. */
    readonly unavailable: BeginFault;
    /** Nothing is taken, and the receiver says to come again after `seconds`. */
    readonly busy?: { readonly seconds: number; readonly begin: BeginFault };
    /** The receiver takes the request and says nothing. */
    readonly silent?: BeginFault;
    /** The receiver does not let us in. */
    readonly misconfigured?: BeginFault;
    /** Each batch that has one of these events is refused, whole or the event alone. */
    readonly refusesEvent?: (eventId: string) => EndFault | Promise<EndFault>;
    /** Some of the next requests fail, each in another way; some of them after the events were taken. */
    readonly disturb?: (random: () => number) => void;
  };
  close(): Promise<void>;
}

/** What every kind of sink does. */
export function describeSink(name: string, openFixture: () => Promise<SinkFixture>): void {
  describe(`Sink: ${name}`, () => {
    const { signal } = new AbortController();
    let fixture: SinkFixture;
    let next = 1;
    const opened: Sink[] = [];

    beforeAll(async () => {
      fixture = await openFixture();
    });
    afterEach(async () => {
      for (const sink of opened.splice(0)) await sink.close();
      expect(fixture.breaches()).toEqual([]);
      for (const secret of fixture.secrets) expect(fixture.log()).not.toContain(secret);
    });
    afterAll(() => fixture.close());

    function open(): Sink {
      const sink = fixture.open();
      opened.push(sink);
      return sink;
    }

    /** Events with numbers that were not there before, with gaps as a filter leaves them. */
    function events(count: number, text?: string): SinkEvent[] {
      const made = makeEvents(count * 2, next, text).filter((_, index) => index % 2 === 0);
      next += count * 2;
      return made;
    }

    /** Which of `given` arrived, in the order in which each came first. */
    async function arrived(given: readonly SinkEvent[]): Promise<string[]> {
      const wanted = new Set(given.map(({ event_id }) => event_id));
      return [...new Set(await fixture.held())].filter((id) => wanted.has(id));
    }

    const idsOf = (given: readonly SinkEvent[]) => given.map(({ event_id }) => event_id);

    async function faultOf(sink: Sink, given: readonly SinkEvent[]): Promise<CountersignError> {
      try {
        await sink.deliver(given, signal);
        await sink.settle?.(signal);
      } catch (error) {
        if (!(error instanceof CountersignError)) throw error;
        for (const secret of fixture.secrets) expect(error.message).not.toContain(secret);
        return error;
      }
      return expect.fail('it was delivered');
    }

    it('delivers events in order, each once, and counts them as settled', async () => {
      const sink = open();
      const given = events(25);
      const { faults, refused } = await deliverAll(sink, given);
      expect({ faults, refused }).toEqual({ faults: [], refused: [] });
      const held = (await fixture.held()).filter((id) => idsOf(given).includes(id));
      expect(held).toEqual(idsOf(given));
    });

    it('tells the number of the last event that it handed over, and settles no more than that', async () => {
      const sink = open();
      const given = events(3);
      const outcome = await sink.deliver(given, signal);
      expect(idsOf(given).slice(0, given.findIndex(({ seq }) => seq === outcome.sent) + 1)).not.toEqual([]);
      expect(outcome.settled).toBeLessThanOrEqual(outcome.sent);
      expect(outcome.refused).toEqual([]);
    });

    it('takes as many events at once as it says, and no fewer than one', async () => {
      const sink = open();
      const given = events(sink.batch + 1);
      await deliverAll(sink, given);
      expect(await arrived(given)).toEqual(idsOf(given));
    });

    it('delivers texts that would break a frame or forge an event, as one event each', async () => {
      const sink = open();
      const before = (await fixture.held()).length;
      const given = HOSTILE_TEXTS.flatMap((text) => events(1, text));
      const { refused } = await deliverAll(sink, given);
      expect(refused).toEqual([]);
      expect((await fixture.held()).slice(before)).toEqual(idsOf(given));
    });

    it('goes on where another sink to the same receiver stopped', async () => {
      const given = events(6);
      await deliverAll(open(), given.slice(0, 3));
      await deliverAll(open(), given.slice(3));
      expect(await arrived(given)).toEqual(idsOf(given));
    });

    it('throws sink_unavailable while the receiver is away, and loses nothing by it', async () => {
      const sink = open();
      const given = events(5);
      const end = await fixture.faults.unavailable();
      expect((await faultOf(sink, given)).code).toBe('sink_unavailable');
      await end();
      await deliverAll(sink, given);
      expect(await arrived(given)).toEqual(idsOf(given));
    });

    it('tells for how long the receiver wants to be left alone', async ({ skip }) => {
      const { busy } = fixture.faults;
      if (busy === undefined) return skip('this transport cannot say so');
      const end = await busy.begin();
      const { code, retryAfter } = await faultOf(open(), events(1));
      await end();
      expect({ code, retryAfter }).toEqual({ code: 'sink_unavailable', retryAfter: busy.seconds });
    });

    it('throws sink_misconfigured where the receiver does not let us in', async ({ skip }) => {
      const { misconfigured } = fixture.faults;
      if (misconfigured === undefined) return skip('this transport lets everybody in');
      const sink = open();
      const given = events(2);
      const end = await misconfigured();
      expect((await faultOf(sink, given)).code).toBe('sink_misconfigured');
      await end();
      await deliverAll(sink, given);
      expect(await arrived(given)).toEqual(idsOf(given));
    });

    it('gives up the one event that the receiver refuses, with its words, and delivers the others', async ({
      skip,
    }) => {
      const { refusesEvent } = fixture.faults;
      if (refusesEvent === undefined) return skip('this transport does not look into events');
      const sink = open();
      const given = events(9);
      const [bad] = given.slice(4);
      if (bad === undefined) return expect.fail('no event');
      const end = await refusesEvent(bad.event_id);
      const { refused } = await deliverAll(sink, given);
      await end();
      expect(refused.map(({ seq, event_id }) => ({ seq, event_id }))).toEqual([
        { seq: bad.seq, event_id: bad.event_id },
      ]);
      expect(refused[0]?.words).not.toBe('');
      expect(await arrived(given)).toEqual(idsOf(given.filter((event) => event !== bad)));
    });

    it('delivers all in order through faults of all kinds', async ({ skip }) => {
      const { disturb } = fixture.faults;
      if (disturb === undefined) return skip('this transport is disturbed elsewhere');
      for (let seed = 1; seed <= 5; seed += 1) {
        const sink = open();
        const given = events(40);
        disturb(randomFrom(seed));
        const { refused } = await deliverAll({ ...sink, batch: Math.min(sink.batch, 7) }, given);
        expect(refused).toEqual([]);
        expect(await arrived(given)).toEqual(idsOf(given));
      }
      expect((await fixture.held()).filter((id) => id === 'forged')).toEqual([]);
    });

    it('stops promptly when it is told to, although the receiver says nothing', async ({ skip }) => {
      const { silent } = fixture.faults;
      if (silent === undefined) return skip('this transport waits for no word');
      const sink = open();
      const given = events(2);
      const end = await silent();
      const before = performance.now();
      await expect(sink.deliver(given, AbortSignal.timeout(50))).rejects.toThrow();
      expect(performance.now() - before).toBeLessThan(5_000);
      await end();
      await deliverAll(sink, given);
      expect(await arrived(given)).toEqual(idsOf(given));
    });
  });
}

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
