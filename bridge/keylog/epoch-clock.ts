import { CountersignError } from '../../protocol/errors.ts';
import { type Clock, elapsed } from '../lib/clock.ts';
import {
  CLOCK_STEP_MS,
  COSIGNATURE_AGE_S,
  EPOCH_CLOCK_LEAP_MS,
  EPOCH_CLOCK_SETTLED_MS,
} from '../lib/limits.ts';

/**
 * Whether the clock may date an epoch. Times of epochs only increase, and verifiers refuse what is dated in the future:
 * one epoch that is closed while the clock is ahead would stop everything until that time has come.
 */
export interface EpochClock {
  /**
   * Looks at the clock before an epoch is closed behind one of this time (ms). Time that this process has counted itself
   * while the clock went on evenly is no leap: a bridge that ran through a quiet week needs nobody. Where the clock is far ahead
   * of that, what the store knows is read and held against it, and what others said: most of them must agree. Where nothing
   * else tells the time, it must have gone on evenly for EPOCH_CLOCK_SETTLED_MS. Throws `clock_ahead`, with what to do.
   */
  assertBelievable(last: number, read: () => Promise<KnownTimes>): Promise<void>;
  /**
   * Another company has signed what its clock shows, seconds: a witness by its cosignature, a partner by its entity
   * configuration. Believed or not, its signature was verified.
   */
  heard(name: string, time: number): void;
}

export interface KnownTimes {
  /** When the bridge's clock was last known to be right; ms. */
  readonly right: number | undefined;
  readonly others: readonly OtherClock[];
}

/** What another clock shows now; ms. */
export interface OtherClock {
  readonly name: string;
  readonly time: number;
}

export function createEpochClock(clock: Clock): EpochClock {
  const heard = new Map<string, { readonly time: number; readonly at: number }>();
  const ahead = () => clock.now() - elapsed(clock);
  let even = { ahead: ahead(), since: elapsed(clock) };

  /** How long the clock has gone on as time does; a step begins anew. */
  function evenFor(): number {
    const now = ahead();
    const stepped = Math.abs(now - even.ahead) >= CLOCK_STEP_MS;
    even = { ahead: now, since: stepped ? elapsed(clock) : even.since };
    return elapsed(clock) - even.since;
  }

  function signed(): OtherClock[] {
    const running = elapsed(clock);
    return [...heard]
      .filter(([, { at }]) => running - at < COSIGNATURE_AGE_S * 1_000)
      .map(([name, { time, at }]) => ({ name, time: time + running - at }));
  }

  return {
    heard: (name, time) => void heard.set(name, { time: time * 1_000, at: elapsed(clock) }),
    async assertBelievable(last, read) {
      const settled = evenFor();
      if (clock.now() - settled - last <= EPOCH_CLOCK_LEAP_MS) return;
      const { right = last, others } = await read();
      const now = clock.now();
      if (now - settled - right <= EPOCH_CLOCK_LEAP_MS) return;
      const asked = [...signed(), ...others];
      const against = asked.filter(({ time }) => Math.abs(now - time) > EPOCH_CLOCK_LEAP_MS);
      if (asked.length > 2 * against.length) return;
      if (asked.length === 0 && settled >= EPOCH_CLOCK_SETTLED_MS) return;
      throw new CountersignError('clock_ahead', wordsOn({ now, last, against }));
    },
  };
}

function wordsOn(found: { now: number; last: number; against: readonly OtherClock[] }): string {
  const [now, last] = [found.now, found.last].map((time) => new Date(time).toISOString());
  const others = found.against.map(({ name, time }) => `${name} says ${new Date(time).toISOString()}`);
  const seen =
    others.length === 0
      ? `It is believed once it has gone on evenly for ${EPOCH_CLOCK_SETTLED_MS / 60_000} minutes, or a witness or a partner has signed what time it is.`
      : `${others.join(', ')}. Set this clock by NTP; if it is right, take the witness whose clock is wrong out.`;
  return `This machine’s clock shows ${now}, and the newest epoch of the key log is of ${last}: nothing is logged yet. ${seen}`;
}
