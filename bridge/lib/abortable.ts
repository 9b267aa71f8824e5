/**
 * Rejects with the reason of the signal as soon as it is aborted; the work itself goes on. Nothing of it stays with the
 * signal, which may live longer than it.
 */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/**
 * Resolves when the time is over, or the signal aborted. It holds the signal: the timers of `node:timers/promises` do
 * not, and one that `AbortSignal.any` made is collected in Node 20 where nothing else does.
 */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, Math.max(0, ms));
    signal?.addEventListener('abort', end, { once: true });
  });
}

/**
 * Works under a signal that ends after `ms`, or with any of `signals`. Its own timer holds it: a signal of
 * `AbortSignal.timeout` that nothing but `AbortSignal.any` knows is collected in Node 20, and never ends anything.
 */
export async function withTimeLimit<T>(
  ms: number,
  signals: readonly AbortSignal[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new DOMException('The time is over.', 'TimeoutError')), ms);
  try {
    return await work(AbortSignal.any([late.signal, ...signals]));
  } finally {
    clearTimeout(timer);
  }
}
