import { createTurns } from '../turns.ts';

/** Lets what may wait a little gather, so that one message serves many. */
export interface Gathering {
  /** The task runs within the wait, for this and whatever comes until then. */
  soon(): void;
  /** The task runs now, or after the run under way. Throws what it throws. */
  now(): Promise<void>;
  /** Runs this with no run of the task meanwhile. */
  alone<Result>(act: () => Promise<Result>): Promise<Result>;
  /** No more runs begin; resolves when the one under way has ended. */
  close(): Promise<void>;
}

/** `failed` is told what a run threw that nobody waits for. */
export function createGathering(
  waitMs: number,
  task: () => Promise<void>,
  failed: (error: unknown) => void,
): Gathering {
  const turns = createTurns();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  function run(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    return turns.take(async () => {
      if (!closed) await task();
    });
  }

  return {
    soon() {
      if (!closed) timer ??= setTimeout(() => void run().catch(failed), waitMs);
    },
    now: run,
    alone: (act) => turns.take(act),
    close() {
      closed = true;
      clearTimeout(timer);
      return turns.take(async () => undefined);
    },
  };
}
