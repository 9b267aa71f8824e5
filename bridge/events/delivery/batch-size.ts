import { SINK_REFUSALS_IN_ROW } from '../../lib/limits.ts';

/**
 * How many events to hand over at a time. A batch that is refused as a whole is halved until the event at fault stands
 * alone. Behind it, batches begin at one event and grow by as many as were taken: a receiver that takes the rest of a
 * batch and refuses it all the same gets few of them twice, however close the next event at fault is.
 */
export class BatchSize {
  #limit = Number.POSITIVE_INFINITY;
  /** How many of the next events are known to have one at fault among them. */
  #suspects = 0;
  #inRow = 0;

  limit(most: number): number {
    return Math.max(1, Math.min(most, this.#limit));
  }

  /** Whether so many were refused, with none taken between, that it may be all of them: each then waits like a fault. */
  get refusesAll(): boolean {
    return this.#inRow > SINK_REFUSALS_IN_ROW;
  }

  /** The next `size` events, more than one, were refused as a whole. */
  halve(size: number): void {
    this.#suspects = size;
    this.#limit = Math.floor(size / 2);
  }

  /** Whether batches are smaller than they may be, because of what failed or was refused among the last. */
  isNarrow(most: number): boolean {
    return this.#limit < most;
  }

  /** The next `size` events failed time after time: one alone first, to see whether the receiver takes any. */
  narrow(size: number): void {
    if (this.#limit < size) this.halve(size);
    else [this.#suspects, this.#limit] = [size, 1];
  }

  /** These were refused one by one, with none taken behind them. */
  refused(count: number): void {
    this.#inRow += count;
    this.#suspects = 0;
    if (this.refusesAll) this.#limit = 1;
  }

  /** The next `count` events were taken: had they been suspects, the one at fault is among the others. */
  taken(count: number): void {
    this.#inRow = 0;
    this.#suspects = Math.max(0, this.#suspects - count);
    if (this.#suspects > 0) this.#limit = Math.floor(this.#suspects / 2);
    else this.#limit += count;
  }
}
