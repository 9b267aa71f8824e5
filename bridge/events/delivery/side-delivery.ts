import { isCountersignError } from '../../../protocol/errors.ts';
import { SINK_POLL_MS, SINK_UNSETTLED_EVENTS } from '../../lib/limits.ts';
import type { DeliveryParts } from './delivery-deps.ts';
import { pauseGone } from './gone-receiver.ts';
import type { LiveDelivery } from './live-delivery.ts';
import { retryPause } from './retry-pause.ts';
import { nextSideLane, type SideLane } from './side-lanes.ts';
import type { SinkDefinition } from './sink-definition.ts';
import { SinkFault } from './sink-fault.ts';

/**
 * What is brought to a sink once more: replays, and refused events that are sent again. Beside the live stream, in a
 * sink of its own, and a batch at a time only while that has caught up.
 */
export class SideDelivery {
  readonly #parts: DeliveryParts;
  readonly #definition: SinkDefinition;
  readonly #live: LiveDelivery;
  #current: SideLane | undefined;
  #failures = 0;
  /** What came of events was to be stored, and was not: nothing more is handed over until it is. */
  #isOwed = false;

  constructor(parts: DeliveryParts, definition: SinkDefinition, live: LiveDelivery) {
    this.#parts = parts;
    this.#definition = definition;
    this.#live = live;
  }

  get resting(): boolean {
    return this.#current === undefined;
  }

  /** Until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { bell } = this.#parts;
    while (!signal.aborted) {
      const { rings } = bell;
      try {
        if (this.#live.caughtUp && (await this.#advance(signal))) continue;
      } catch (error) {
        if (!signal.aborted) await this.#recover(error, signal);
      }
      await bell.wait(rings, SINK_POLL_MS, signal);
    }
    await this.#close();
  }

  /** Whether there is more to do at once. */
  async #advance(signal: AbortSignal): Promise<boolean> {
    this.#current ??= await nextSideLane(this.#parts, this.#definition);
    const side = this.#current;
    if (side === undefined) return false;
    if (this.#isOwed && !(await this.#save(side))) {
      await this.#close();
      return true;
    }
    if (await side.lane.step(signal)) {
      if (side.lane.unsettled > SINK_UNSETTLED_EVENTS) {
        await side.lane.settle(signal, new AbortController().signal);
      }
      if (side.lane.hasTaken) this.#succeeded();
      if (!(await this.#save(side))) await this.#close();
      return true;
    }
    await side.lane.settle(signal, new AbortController().signal);
    if (side.lane.hasTaken) this.#succeeded();
    if (side.lane.unsettled > 0) {
      if (!(await this.#save(side))) await this.#close();
      return false;
    }
    await side.finish();
    await this.#close();
    return true;
  }

  /** `false` where it is not wanted any more. */
  async #save(side: SideLane): Promise<boolean> {
    this.#isOwed = true;
    const isWanted = await side.save();
    this.#isOwed = false;
    return isWanted;
  }

  #succeeded(): void {
    this.#failures = 0;
    this.#live.succeeded();
  }

  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    const { logger, pause } = this.#parts;
    const about = { sink: this.#definition.name };
    this.#failures += 1;
    logger.warn(
      { err: error, ...about },
      'events could not be brought to a sink once more; they are tried again',
    );
    if (!(await this.#isWanted(error))) await this.#close();
    if (!(error instanceof SinkFault)) return;
    this.#live.failed(error);
    await pauseGone(this.#parts, this.#definition, error).catch(() => undefined);
    await pause(retryPause(this.#failures, error), signal);
  }

  /** Stores where it is, or ends what cannot go on. */
  async #isWanted(error: unknown): Promise<boolean> {
    const side = this.#current;
    if (side === undefined) return true;
    try {
      return await (isCountersignError(error, 'events_pruned') ? side.giveUp() : this.#save(side));
    } catch {
      // the next look at the store fails too, and says so
      return true;
    }
  }

  async #close(): Promise<void> {
    const side = this.#current;
    this.#current = undefined;
    this.#isOwed = false;
    await side?.lane.close().catch(() => undefined);
  }
}
