import type { Logger } from './logger.ts';

/** What was opened, closed in the reverse order: at the stop, or when a later step of the start fails. */
export interface Closing {
  /** `close` runs after that of everything that is added later. */
  add(name: string, close: () => unknown): void;
  /** Closes everything once, each even if another fails; that is logged. It never rejects. */
  close(): Promise<void>;
}

export function createClosing(logger: Logger): Closing {
  const steps: { name: string; close: () => unknown }[] = [];
  let closed: Promise<void> | undefined;

  async function closeAll(): Promise<void> {
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
      try {
        await step.close();
      } catch (err) {
        logger.error({ err, step: step.name }, 'a step of the stop failed');
      }
    }
  }

  return {
    add: (name, close) => void steps.push({ name, close }),
    close: () => {
      closed ??= closeAll();
      return closed;
    },
  };
}
