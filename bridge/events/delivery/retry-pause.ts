import { SINK_RETRY_AFTER_MAX_S, SINK_RETRY_MAX_MS, SINK_RETRY_MS } from '../../lib/limits.ts';

/**
 * Milliseconds until the next try. Full jitter: all of the wait is random, so that many bridges do not meet at a SIEM
 * that comes back. What the receiver asked for (`retryAfter`, seconds) is the least, within bounds.
 */
export function retryPause(
  failures: number,
  { retryAfter = 0, random = Math.random }: { retryAfter?: number | undefined; random?: () => number } = {},
): number {
  const longest = Math.min(SINK_RETRY_MAX_MS, SINK_RETRY_MS * 2 ** Math.min(failures - 1, 20));
  return Math.max(random() * longest, Math.min(retryAfter, SINK_RETRY_AFTER_MAX_S) * 1_000);
}
