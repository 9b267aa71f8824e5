/** Wakes who waits for something to happen; what happened is read elsewhere, so a ring says nothing. */
export interface Bell {
  /** How often it rang: to be read before looking, so that no ring in between is missed. */
  readonly rings: number;
  ring(): void;
  /** Resolves at the next ring after `heard` of them, after `ms`, or when a signal is aborted. It never rejects. */
  wait(heard: number, ms: number, signal?: AbortSignal): Promise<void>;
}

export function createBell(): Bell {
  let rings = 0;
  const waiting = new Set<() => void>();
  return {
    get rings() {
      return rings;
    },
    ring() {
      rings += 1;
      for (const wake of [...waiting]) wake();
    },
    wait(heard, ms, signal) {
      if (rings !== heard || signal?.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', wake);
          waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, ms);
        signal?.addEventListener('abort', wake, { once: true });
        waiting.add(wake);
      });
    },
  };
}
