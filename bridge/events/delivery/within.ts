import { CountersignError } from '../../../protocol/errors.ts';

/**
 * Does the work until `signal` is aborted (its reason is thrown) or `ms` are over (`TooSlow`), whether the
 * work heeds its signal or not: a sink that hangs must hold nothing up.
 */
export async function within<T>(
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const ending = new AbortController();
  let end: (reason: unknown) => void = () => {};
  const ended = new Promise<never>((_resolve, reject) => {
    end = (reason) => {
      ending.abort(reason);
      reject(reason);
    };
  });
  const stop = () => end(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  const timer = setTimeout(() => end(new TooSlow(ms)), ms);
  try {
    return await Promise.race([work(ending.signal), ended]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

/** The work may still be under way. */
export class TooSlow extends CountersignError {
  constructor(ms: number) {
    super('sink_unavailable', `The receiver did not answer within ${ms / 1_000} seconds.`);
  }
}
