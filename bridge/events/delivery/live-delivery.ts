import { isCountersignError } from '../../../protocol/errors.ts';
import {
  SINK_EVENT_PAGE,
  SINK_IDLE_MS,
  SINK_POLL_MS,
  SINK_SAVING_MS,
  SINK_UNSETTLED_EVENTS,
} from '../../lib/limits.ts';
import { giveUpPruned } from './buffer-watch.ts';
import { storeDeadLetters } from './dead-letters.ts';
import type { DeliveryParts } from './delivery-deps.ts';
import { eventsBefore } from './events-before.ts';
import { pauseGone } from './gone-receiver.ts';
import { Lane, type LaneProgress, type LaneSource } from './lane.ts';
import { retryPause } from './retry-pause.ts';
import { SinkCondition } from './sink-condition.ts';
import { eventsFor, type SinkDefinition } from './sink-definition.ts';
import { SinkFault } from './sink-fault.ts';
import type { SinkLease } from './sink-leases.ts';
import { findState, storeProgress } from './sink-states.ts';

/** Events come in groups: so long a silence says that there is time to wait for the receiver. */
const SINK_QUIET_MS = 100;

/** Another process holds the sink, or it was removed. */
class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/** The stream of events into one sink, for as long as this process holds it. */
export class LiveDelivery {
  readonly #parts: DeliveryParts;
  readonly #definition: SinkDefinition;
  readonly #lease: SinkLease;
  readonly #lane: Lane;
  readonly #condition: SinkCondition;
  #key: Uint8Array | undefined;
  #saved: number;
  /** By the process's own clock. */
  #savedAt = 0;
  #caughtUp = false;
  /** What came of events was to be stored, and was not. */
  #isOwed = false;

  constructor(parts: DeliveryParts, definition: SinkDefinition, lease: SinkLease) {
    this.#parts = parts;
    this.#definition = definition;
    this.#lease = lease;
    this.#saved = lease.state.settled;
    this.#condition = new SinkCondition(definition, lease.state);
    this.#lane = new Lane({
      source: this.#source(),
      settled: lease.state.settled,
      open: async () => {
        const { sink, redactionKey } = await definition.open();
        this.#key = redactionKey;
        return sink;
      },
    });
  }

  /** Whether it takes events and has all that there were a moment ago. */
  get caughtUp(): boolean {
    return this.#caughtUp;
  }

  /** Notes that the receiver took events of this sink, or did not: these, or those that are brought once more. */
  succeeded(): void {
    this.#condition.succeeded(this.#parts.clock.now());
  }

  failed(fault: SinkFault): void {
    this.#condition.failed(fault, this.#parts.clock.now());
  }

  /** Until the signal is aborted, the lease is lost, or there is nothing to deliver and `restful` for a while. */
  async run(signal: AbortSignal, restful: () => boolean): Promise<void> {
    let rested = performance.now();
    while (!signal.aborted) {
      const { rings } = this.#parts.bell;
      try {
        if (this.#isOwed) await this.#save('always');
        const moved = await this.#advance(signal);
        // on a bridge that is at work something always came while the receiver took what was there
        this.#caughtUp = !moved || this.#lane.caughtUp;
        if (moved) {
          rested = performance.now();
          continue;
        }
        if (await this.#settle(signal, rings)) continue;
        if (this.#isUnsaved) {
          await this.#parts.bell.wait(rings, SINK_SAVING_MS, signal);
          continue;
        }
        if (restful() && performance.now() - rested > SINK_IDLE_MS) return;
        await this.#parts.bell.wait(rings, SINK_POLL_MS, signal);
      } catch (error) {
        this.#caughtUp = false;
        if (error instanceof LeaseLost) return;
        if (!signal.aborted && !(await this.#recover(error, signal))) return;
      }
    }
  }

  /** Takes what there is for a moment more, then closes the sink and stores where it is. It never rejects. */
  async end(signal: AbortSignal): Promise<void> {
    const { logger, bell } = this.#parts;
    const about = { sink: this.#definition.name };
    try {
      while (await this.#advance(signal)) {
        // until nothing is left
      }
      await this.#lane.settle(signal, new AbortController().signal);
      await this.#save();
    } catch (err) {
      logger.warn({ err, ...about }, 'a sink gets the last events after the next start');
      await this.#save().catch(() => undefined);
    }
    await this.#lane.close().catch((err) => logger.warn({ err, ...about }, 'a sink did not close'));
    bell.ring();
  }

  /** Closes the sink, whose settings are of yesterday or which another process has. It never rejects. */
  async abandon(): Promise<void> {
    await this.#save().catch(() => undefined);
    await this.#lane.close().catch(() => undefined);
  }

  #source(): LaneSource {
    const { log } = this.#parts;
    return {
      before: (seq) => eventsBefore(this.#parts, this.#definition, this.#key, seq),
      read: async (since) => {
        const page = await log.page({ since, limit: SINK_EVENT_PAGE });
        return {
          events: eventsFor(this.#definition, this.#key, page),
          through: page.at(-1)?.seq ?? since,
        };
      },
    };
  }

  /** Whether there was anything. */
  async #advance(signal: AbortSignal): Promise<boolean> {
    const moved = await this.#lane.step(signal);
    if (this.#lane.hasTaken) this.succeeded();
    if (this.#isSaveDue()) await this.#save();
    if (moved && this.#lane.unsettled > SINK_UNSETTLED_EVENTS) {
      await this.#lane.settle(signal, new AbortController().signal);
    }
    return moved;
  }

  /** Whether something was left to settle. */
  async #settle(signal: AbortSignal, rings: number): Promise<boolean> {
    if (this.#lane.unsettled === 0) return false;
    const { bell } = this.#parts;
    await bell.wait(rings, SINK_QUIET_MS, signal);
    if (bell.rings !== rings) return true;
    const news = new AbortController();
    const heard = bell.wait(rings, 2 ** 30, AbortSignal.any([signal, news.signal])).then(() => news.abort());
    await this.#lane.settle(signal, news.signal).finally(() => news.abort());
    await heard;
    await this.#save();
    if (this.#lane.unsettled > 0) await bell.wait(rings, SINK_POLL_MS, signal);
    return true;
  }

  /** Answers false where it shows that the lease is lost: nothing more may be sent then. */
  async #recover(error: unknown, signal: AbortSignal): Promise<boolean> {
    const { logger, pause } = this.#parts;
    const about = { sink: this.#definition.name };
    if (!(error instanceof SinkFault)) {
      logger.error({ err: error, ...about }, 'events for a sink could not be read or stored');
      // where this fails too, it is tried with the next error
      if (!(await isHeld(this.#moveOn(error)))) return false;
      if (this.#isOwed && !(await isHeld(this.#reportUnstored(error)))) return false;
      await pause(SINK_POLL_MS, signal);
      return true;
    }
    this.failed(error);
    const { failures } = this.#condition;
    logger.warn({ err: error, ...about, failures }, 'a sink did not take events; they are kept for it');
    // where this fails, the next look at the store fails too, and says so
    if (!(await isHeld(this.#save()))) return false;
    // whoever follows the definitions ends this then; where it fails, the receiver says so once more
    if (!(await isHeld(pauseGone(this.#parts, this.#definition, error)))) return false;
    await pause(retryPause(failures, error), signal);
    return isHeld(this.#catchUp());
  }

  /** Goes on behind an event that an administrator had it skip meanwhile. */
  async #catchUp(): Promise<void> {
    const state = await this.#parts.database.read((query) => findState(query, this.#definition.id));
    if (state !== undefined && state.settled > this.#lane.settled) await this.#save('always');
  }

  /** Goes on where the store has it: others may have given up events of this sink, which may be pruned since. */
  async #moveOn(error: unknown): Promise<void> {
    await this.#save();
    if (isCountersignError(error, 'events_pruned')) await giveUpPruned(this.#parts, this.#definition);
    await this.#save('always');
  }

  get #isUnsaved(): boolean {
    return this.#lane.settled !== this.#saved || this.#lane.hasTaken || this.#condition.isNew;
  }

  #isSaveDue(): boolean {
    return performance.now() - this.#savedAt >= SINK_SAVING_MS;
  }

  #isStored({ settled, taken, refused }: LaneProgress): boolean {
    return settled === this.#saved && taken === 0 && refused.length === 0;
  }

  /** `always`: where nothing is new too, to learn which place is stored. */
  async #save(when?: 'always'): Promise<void> {
    const now = this.#parts.clock.now();
    await this.#lane.save(async (progress) => {
      const { change, events } = this.#condition.change(now);
      const isNew = this.#condition.isNew || events.length > 0 || !this.#isStored(progress);
      if (!isNew && when !== 'always') return;
      this.#isOwed = true;
      const stored = await this.#store(progress, { change, events }, now);
      this.#isOwed = false;
      this.#condition.stored(change);
      this.#condition.storedAgain();
      this.#condition.refused(progress.refused);
      this.#saved = stored;
      this.#savedAt = performance.now();
      if (stored > progress.settled) this.#lane.rewind(stored);
    });
  }

  /** Answers the place that is stored then. */
  #store(
    { settled, taken, refused }: LaneProgress,
    { change, events }: ReturnType<SinkCondition['change']>,
    now: number,
  ): Promise<number> {
    const { database, log } = this.#parts;
    const { id } = this.#definition;
    return database.transaction(async (tx) => {
      await storeDeadLetters(tx, id, refused, now);
      for (const event of events) await log.append(tx, event);
      const place = await storeProgress(tx, id, this.#lease.holder, { ...change, settled, taken });
      // here, so that nothing of this is stored either
      if (place === undefined)
        throw new LeaseLost('another process delivers to this sink, or it was removed');
      return place;
    });
  }

  /** Says in health that nothing is handed over, if at least that can be stored. */
  async #reportUnstored(error: unknown): Promise<void> {
    const now = this.#parts.clock.now();
    this.#condition.unstored(isCountersignError(error) ? error.code : 'internal', now);
    const report = this.#condition.change(now);
    await this.#store({ settled: this.#saved, taken: 0, refused: [] }, report, now);
    this.#condition.stored(report.change);
  }
}

/** Whether the lease was not found lost while this was stored; another fault may have kept it from being stored. */
function isHeld(storing: Promise<void>): Promise<boolean> {
  return storing.then(
    () => true,
    (error: unknown) => !(error instanceof LeaseLost),
  );
}
