import { setTimeout as wait } from 'node:timers/promises';
import { isCountersignError } from '../../protocol/errors.ts';

/** Resolves after `ms` milliseconds. Injected so that a test decides what happens during a wait. */
export type Pause = (ms: number) => Promise<unknown>;

export const pause: Pause = (ms) => wait(ms);

/** Together some 5 s: longer than any transaction of ours lasts, shorter than a client waits. */
const ATTEMPTS = 40;
const FIRST_DELAY_MS = 2;
const LONGEST_DELAY_MS = 200;

/**
 * Runs `attempt` until it does not fail with `storage_busy`, at most 40 times; then that error is thrown. Waits grow
 * to a bound, and are random between half and all of it so that two processes do not keep meeting.
 */
export async function retryWhileBusy<T>(attempt: () => Promise<T>, wait: Pause): Promise<T> {
  let delay = FIRST_DELAY_MS;
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (tries === ATTEMPTS || !isCountersignError(error, 'storage_busy')) {
        throw error;
      }
    }
    await wait(delay * (0.5 + Math.random() / 2));
    delay = Math.min(delay * 2, LONGEST_DELAY_MS);
  }
}
