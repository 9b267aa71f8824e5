import { setTimeout as wait } from 'node:timers/promises';
import { isCountersignError } from '../../protocol/errors.ts';

/** Resolves after `ms` milliseconds. Injected so that a test decides what happens during a wait. */
export type Pause = (ms: number) => Promise<unknown>;

export const pause: Pause = (ms) => wait(ms);

/** Together some 5 s: longer than any transaction of ours lasts, shorter than a client waits. */
const ATTEMPTS = 40;
const FIRST_DELAY_MS = 2;
const LONGEST_DELAY_MS = 200;
/** No attempt begins later than this: the attempts themselves may wait, for a lock or for a connection. */
const LAST_ATTEMPT_MS = 10_000;

/** What an attempt knows of the one before it. */
export interface EarlierAttempt {
  readonly error: unknown;
  /** For whoever waits for a turn first: throws that error once it is too late to begin. */
  assertInTime(): void;
}

/**
 * Runs `attempt` until it does not fail with an error that `isRetryable`, at most 40 times, and none that would begin
 * after 10 s; then that error is thrown. Waits grow to a bound, and are random between half and all of it so that two
 * processes do not keep meeting.
 */
export async function retry<T>(
  attempt: (earlier?: EarlierAttempt) => Promise<T>,
  isRetryable: (error: unknown) => boolean,
  wait: Pause,
): Promise<T> {
  const last = performance.now() + LAST_ATTEMPT_MS;
  let delay = FIRST_DELAY_MS;
  let earlier: EarlierAttempt | undefined;
  for (let tries = 1; ; tries++) {
    try {
      return await attempt(earlier);
    } catch (error) {
      if (tries === ATTEMPTS || !isRetryable(error)) throw error;
      earlier = {
        error,
        assertInTime() {
          if (performance.now() > last) throw error;
        },
      };
    }
    earlier.assertInTime();
    await wait(delay * (0.5 + Math.random() / 2));
    delay = Math.min(delay * 2, LONGEST_DELAY_MS);
  }
}

/** `retry` for as long as others hold the store. */
export function retryWhileBusy<T>(attempt: () => Promise<T>, wait: Pause): Promise<T> {
  return retry(attempt, (error) => isCountersignError(error, 'storage_busy'), wait);
}
