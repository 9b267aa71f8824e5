import { CountersignError } from '../protocol/errors.ts';

/** How a wait ends early. */
export interface WaitOptions {
  readonly signal?: AbortSignal;
}

/**
 * Asks again and again, with growing pauses, until `ask` answers something. Throws what `ask` throws, and `aborted`.
 */
export async function waitFor<Found>(
  ask: () => Promise<Found | null>,
  polling: { readonly firstMs: number; readonly longestMs: number },
  { signal }: WaitOptions = {},
): Promise<Found> {
  let pauseMs = polling.firstMs;
  for (;;) {
    if (signal?.aborted) throw new CountersignError('aborted');
    const found = await ask();
    if (found !== null) return found;
    await pause(pauseMs, signal);
    pauseMs = Math.min(pauseMs * 1.5, polling.longestMs);
  }
}

/** Throws `aborted`. */
export function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(new CountersignError('aborted'));
    };
    if (signal?.aborted) return reject(new CountersignError('aborted'));
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', abort, { once: true });
  });
}
