import { SINK_REFUSALS_IN_ROW } from '../../lib/limits.ts';

/**
 * How many events to hand over at a time. A batch that is refused as a whole is halved until the event at fault stands
 * alone; once it is found, or what was refused has passed, batches are full again.
 */
export class BatchSize {
  #limit = Number.POSITIVE_INFINITY;
  /** `seq` of the end of what was refused as a whole. */
  #suspect = 0;
  #inRow = 0;

  limit(most: number): number {
    return Math.max(1, Math.min(most, this.#limit));
  }

  /** Whether so many were refused, with none taken between, that it may be all of them: each then waits like a fault. */
  get refusesAll(): boolean {
    return this.#inRow > SINK_REFUSALS_IN_ROW;
  }

  halve(size: number, last: number): void {
    this.#limit = Math.floor(size / 2);
    this.#suspect = last;
  }

  /** These were refused one by one. */
  refused(count: number): void {
    this.#inRow += count;
    this.#suspect = 0;
    this.#limit = this.refusesAll ? 1 : Number.POSITIVE_INFINITY;
  }

  /** Events up to `sent` were taken. */
  taken(sent: number): void {
    this.#inRow = 0;
    if (sent >= this.#suspect) this.#limit = Number.POSITIVE_INFINITY;
  }
}
