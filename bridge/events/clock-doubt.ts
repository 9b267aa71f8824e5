import { performance } from 'node:perf_hooks';
import type { Clock } from '../lib/clock.ts';
import { CLOCK_DOUBT_LIFE_MS, CLOCK_DOUBT_MS } from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';

export interface ClockDoubtDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds by a clock that nobody can set. */
  readonly elapsed?: (() => number) | undefined;
}

/** Whether the clock may be wrong by days: what cannot be taken back is not done by such a one. */
export interface ClockDoubt {
  /**
   * Looks at the clock. The first look holds it against `known`, times (ms since the epoch) that a clock of this bridge
   * showed before; each later one against the process's own count of the time. A clock that moved by days is in doubt
   * until it went on evenly for a day.
   */
  isInDoubt(known: readonly number[]): boolean;
}

export function createClockDoubt(deps: ClockDoubtDeps): ClockDoubt {
  const { clock, logger, elapsed = () => performance.now() } = deps;
  let last: number | undefined;
  let since: number | undefined;
  return {
    isInDoubt(known) {
      const [now, running] = [clock.now(), elapsed()];
      const ahead = now - running;
      const steps = last === undefined ? known.map((time) => now - time) : [ahead - last];
      last = ahead;
      const by = steps.find((step) => Math.abs(step) > CLOCK_DOUBT_MS);
      if (by !== undefined) {
        since = running;
        logger.warn({ by_ms: Math.round(by) }, 'the clock moved by days: nothing is pruned for a day');
      }
      if (since !== undefined && running - since >= CLOCK_DOUBT_LIFE_MS) since = undefined;
      return since !== undefined;
    },
  };
}
