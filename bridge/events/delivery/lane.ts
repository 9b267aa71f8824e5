import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Outcome, Sink, SinkEvent } from '../../../connectors/siem/sink.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import {
  SINK_DELIVERY_MS,
  SINK_EVENT_PAGE,
  SINK_FAULTS_IN_ROW,
  SINK_POLL_MS,
  SINK_SETTLING_MS,
  SINK_STOP_MS,
} from '../../lib/limits.ts';
import { BatchSize } from './batch-size.ts';
import { eventsAtFault } from './events-at-fault.ts';
import { eventsBehind, type LaneOptions, type LaneProgress, type RefusedInLane } from './lane-source.ts';
import { SinkFault, wordsOf } from './sink-fault.ts';
import { WaitingEvents } from './waiting-events.ts';
import { TooSlow, within } from './within.ts';

export type { LaneOptions, LaneProgress, LaneSource, RefusedInLane } from './lane-source.ts';

/**
 * One ordered stream of events into one open sink. It hands over batch after batch ahead of what is settled; after a
 * fault it goes back to what is, unless it is that a batch was refused: the receiver still has those before it. It
 * neither waits nor stores: whoever drives it does.
 *
 * Everything up to `settled` was taken, refused or is not to be delivered: the first of what was sent and is not
 * settled bounds it, or else the first of what waits, or else how far was read.
 */
export class Lane {
  readonly #options: LaneOptions;
  readonly #size = new BatchSize();
  #sink: Sink | undefined;
  #waiting = new WaitingEvents();
  /** `seq`s that were sent and are not settled, in their order. */
  #unsettled: number[] = [];
  #readTo: number;
  /** Whether the last read came to the end of what there was. */
  #readAll = false;
  #caughtUp = false;
  /** A read that is under way; of another generation, its result is of no use. */
  #reading: Promise<number> | undefined;
  #generation = 0;
  /** Refused while events before it were unsettled: not to be sent once more when those are. */
  readonly #passed = new Set<number>();
  #refused: RefusedInLane[] = [];
  /** Faults with nothing taken between that an event may have provoked. */
  #faults = 0;
  #taken = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#readTo = options.settled;
  }

  get settled(): number {
    const [unsettled] = this.#unsettled;
    if (unsettled !== undefined) return unsettled - 1;
    const { first } = this.#waiting;
    return first === undefined ? this.#readTo : first.seq - 1;
  }

  /** Events sent that are not settled. */
  get unsettled(): number {
    return this.#unsettled.length;
  }

  /** Whether all that there was when the last batch was made is with the receiver. More may be there since. */
  get caughtUp(): boolean {
    return this.#caughtUp;
  }

  /** Hands one batch over; `false` where there is nothing. Throws `SinkFault`, or what the source throws. */
  async step(signal: AbortSignal): Promise<boolean> {
    // where the filter lets nothing pass, nothing else heeds it
    signal.throwIfAborted();
    const sink = await this.#open();
    const limit = this.#size.limit(sink.batch);
    if (!this.#waiting.fill(1, limit)) {
      const moved = await this.#fill(limit, signal);
      this.#caughtUp = this.#readAll;
      if (this.#waiting.length === 0) return moved;
    }
    const batch = this.#waiting.batch(limit);
    const more = batch.length === limit || batch.length < this.#waiting.length;
    const isAll = !more && this.#readAll;
    this.#caughtUp = false;
    void this.#readAhead(limit, signal).catch(() => undefined);
    try {
      const outcome = await this.#handOver(batch, signal, more);
      this.#accept(batch, outcome);
      this.#caughtUp = isAll && outcome.sent >= (batch.at(-1)?.seq ?? 0);
    } catch (error) {
      if (signal.aborted) throw error;
      await this.#fail(batch, error, signal);
    }
    if (this.#size.refusesAll) throw new SinkFault(refusesAll(this.#refused.at(-1)?.words));
    return true;
  }

  /** Waits until what was sent counts as taken, or `news` is aborted. Throws `SinkFault`. */
  async settle(signal: AbortSignal, news: AbortSignal): Promise<void> {
    const sink = await this.#open();
    if (this.#unsettled.length === 0 || sink.settle === undefined) return;
    const ending = AbortSignal.any([signal, news]);
    try {
      const settled = await within(SINK_SETTLING_MS, ending, async (until) => sink.settle?.(until));
      this.#settleTo(settled ?? 0);
    } catch (error) {
      if (signal.aborted) throw error;
      if (news.aborted) return;
      if (error instanceof TooSlow) await this.#abandon(signal);
      this.rewind();
      throw new SinkFault(error);
    }
  }

  /** Stores what has come of it; what was refused since stays for the next time. */
  async save(store: (progress: LaneProgress) => Promise<void>): Promise<void> {
    const [refused, taken] = [[...this.#refused], this.#taken];
    await store({ settled: this.settled, taken, refused });
    this.#refused.splice(0, refused.length);
    this.#taken -= taken;
  }

  /** Whether anything was taken that is not stored yet. */
  get hasTaken(): boolean {
    return this.#taken > 0;
  }

  /** Goes back to what is settled, or on to `seq` where everything before it was given up. */
  rewind(seq = 0): void {
    this.#readTo = Math.max(this.settled, seq);
    this.#generation += 1;
    this.#readAll = false;
    this.#caughtUp = false;
    this.#reading = undefined;
    this.#waiting = new WaitingEvents();
    this.#unsettled = [];
  }

  async close(): Promise<void> {
    const sink = this.#sink;
    this.#sink = undefined;
    if (sink !== undefined) await within(SINK_STOP_MS, new AbortController().signal, () => sink.close());
  }

  async #open(): Promise<Sink> {
    try {
      this.#sink ??= await this.#options.open();
      return this.#sink;
    } catch (error) {
      throw new SinkFault(error);
    }
  }

  /**
   * Reads until a batch is full, or nothing more is there, or it took a while: a sink may take a batch that is not full
   * for a sign that nothing is behind. Answers whether there was anything.
   */
  async #fill(limit: number, signal: AbortSignal): Promise<boolean> {
    const until = performance.now() + SINK_POLL_MS;
    const first = await this.#readMore();
    let moved = first;
    const isPart = () => this.#waiting.length > 0 && !this.#waiting.fill(1, limit);
    // a read of less than a page came to the end of what there was
    while (isPart() && moved >= SINK_EVENT_PAGE && !signal.aborted && performance.now() < until) {
      moved = await this.#read();
    }
    return first > 0;
  }

  /** While a batch is with the receiver: another one, no more. */
  async #readAhead(limit: number, signal: AbortSignal): Promise<void> {
    const generation = this.#generation;
    const goesOn = () => generation === this.#generation && !signal.aborted && !this.#waiting.fill(2, limit);
    let moved = SINK_EVENT_PAGE;
    while (moved >= SINK_EVENT_PAGE && goesOn()) moved = await this.#read();
  }

  /** What a read that began before found nothing of may be there since. */
  async #readMore(): Promise<number> {
    const begunBefore = this.#reading !== undefined;
    const moved = await this.#read();
    return moved > 0 || !begunBefore || this.#waiting.length > 0 ? moved : this.#read();
  }

  /** Answers by how many `seq`s it came on. */
  #read(): Promise<number> {
    if (this.#reading !== undefined) return this.#reading;
    const reading = this.#readNext(this.#generation).finally(() => {
      if (this.#reading === reading) this.#reading = undefined;
    });
    this.#reading = reading;
    return reading;
  }

  async #readNext(generation: number): Promise<number> {
    // where the filter lets nothing pass, reads follow on reads: others shall have their turn
    await nextTurn();
    if (generation !== this.#generation) return 1;
    const since = this.#readTo;
    const { events, through } = await this.#options.source.read(since);
    if (generation !== this.#generation) return 1;
    this.#readTo = through;
    this.#readAll = through - since < SINK_EVENT_PAGE;
    this.#waiting.add(this.#passed.size === 0 ? events : events.filter(({ seq }) => !this.#passed.has(seq)));
    return through - since;
  }

  #accept(batch: readonly SinkEvent[], outcome: Outcome): void {
    const sent = batch.filter(({ seq }) => seq <= outcome.sent);
    const last = sent.at(-1)?.seq;
    if (last === undefined) throw new CountersignError('sink_unavailable', 'The sink took no event.');
    const of = new Map(sent.map((event) => [event.seq, event]));
    const refused = outcome.refused.flatMap((event) => {
      const type = of.get(event.seq)?.type;
      return type !== undefined && of.delete(event.seq) ? [{ ...event, type }] : [];
    });
    this.#faults = 0;
    this.#waiting.drop(sent.length);
    this.#unsettled.push(...of.keys());
    this.#settleTo(outcome.settled);
    if (of.size > 0) this.#size.taken(of.size);
    if (refused.length > 0) this.#refuse(refused, [...of.keys()].at(-1));
  }

  async #fail(batch: readonly SinkEvent[], error: unknown, signal: AbortSignal): Promise<void> {
    const fault = new SinkFault(error);
    const [first] = batch;
    if (fault.code !== 'sink_batch_refused' || first === undefined) {
      this.rewind();
      if (!(await this.#layAside(batch, fault, signal))) throw fault;
    } else if (batch.length > 1) this.#size.halve(batch.length);
    else {
      this.#waiting.drop(1);
      const { seq, event_id, type } = first;
      this.#refuse([{ seq, event_id, type, words: fault.detail }]);
    }
  }

  /**
   * After faults enough in a row, hands over less and less, until the event stands alone that provokes them; whether
   * one does, and was laid aside.
   */
  async #layAside(batch: readonly SinkEvent[], fault: SinkFault, signal: AbortSignal): Promise<boolean> {
    const { source } = this.#options;
    const [first] = batch;
    if (!fault.mayBeOfEvent || first === undefined) return false;
    this.#faults += 1;
    const isNarrow = this.#size.isNarrow((await this.#open()).batch);
    if (!isNarrow && !source.refusedBefore && this.#faults < SINK_FAULTS_IN_ROW) return false;
    if (batch.length > 1 || !isNarrow) this.#size.narrow(batch.length);
    if (batch.length > 1) return false;
    const found = await eventsAtFault(first, fault, {
      hand: (event) => this.#handOver([event], signal, true),
      before: async () => (await source.before?.(first.seq)) ?? [],
      after: () => (source.refusedBefore ? undefined : eventsBehind(source, first.seq)),
      signal,
    });
    this.#refuse(found);
    return found.length > 0;
  }

  /** A call that may still be under way must not meet the next one: the sink is opened anew then. */
  async #handOver(events: readonly SinkEvent[], signal: AbortSignal, more: boolean): Promise<Outcome> {
    const sink = await this.#open();
    try {
      return await within(SINK_DELIVERY_MS, signal, (until) => sink.deliver(events, until, more));
    } catch (error) {
      if (error instanceof TooSlow) await this.#abandon(signal);
      throw error;
    }
  }

  async #abandon(signal: AbortSignal): Promise<void> {
    await this.close().catch(() => undefined);
    signal.throwIfAborted();
  }

  /** @param lastTaken - of the same batch: a receiver that took an event behind these does not refuse all of them */
  #refuse(refused: readonly RefusedInLane[], lastTaken = 0): void {
    this.#refused.push(...refused.map((event) => ({ ...event, words: wordsOf(event.words) })));
    this.#size.refused(refused.filter(({ seq }) => seq > lastTaken).length);
    for (const { seq } of refused) if (seq > this.settled) this.#passed.add(seq);
  }

  #settleTo(settled: number): void {
    const left = this.#unsettled.findIndex((seq) => seq > settled);
    this.#taken += this.#unsettled.splice(0, left === -1 ? this.#unsettled.length : left).length;
    for (const seq of this.#passed) if (seq <= this.settled) this.#passed.delete(seq);
  }
}

function refusesAll(words: string | undefined): CountersignError {
  return new CountersignError('sink_batch_refused', words ?? 'The receiver refuses event after event.');
}
