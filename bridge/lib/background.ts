import type { Logger } from './logger.ts';

/** A piece of work that is done again and again until it is stopped. */
export interface Loop {
  readonly name: string;
  /** Runs that ended in an error since the start. */
  readonly failures: number;
  /** Runs that ended well since the start. */
  readonly runs: number;
  /** Starts the next run now, or right after the one under way. */
  wake(): void;
  /** No run begins after this; resolves when the one under way has ended. It never rejects. */
  stop(): Promise<void>;
}

/**
 * Runs `work` at once and then `intervalMs` after each run's end, one run at a time. A run that fails is logged and
 * counted, and the loop goes on: what it did not do, the next run must find and do, so `work` reads what there is to
 * do from the store. The signal is aborted at `stop`, for work that waits.
 */
export function startLoop(
  name: string,
  intervalMs: number,
  work: (signal: AbortSignal) => Promise<void>,
  options: { logger: Logger },
): Loop {
  const stopping = new AbortController();
  let failures = 0;
  let runs = 0;
  let woken = false;
  let endPause: (() => void) | undefined;

  async function runOnce(): Promise<void> {
    try {
      await work(stopping.signal);
      runs += 1;
    } catch (err) {
      failures += 1;
      options.logger.error({ err, loop: name, failures }, 'a run of the background loop failed');
    }
  }

  function pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, intervalMs);
      endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function loop(): Promise<void> {
    // Not before the caller has the handle: the work may want to wake or stop its own loop.
    await Promise.resolve();
    while (!stopping.signal.aborted) {
      woken = false;
      await runOnce();
      if (!woken && !stopping.signal.aborted) await pause();
      endPause = undefined;
    }
  }

  const ended = loop();
  return {
    name,
    get failures() {
      return failures;
    },
    get runs() {
      return runs;
    },
    wake() {
      woken = true;
      endPause?.();
    },
    async stop() {
      stopping.abort();
      endPause?.();
      await ended;
    },
  };
}
