/** Something that may be asked for at any time and happens now and then. */
export interface Paced {
  /** Has it happen: at once, or when the pause since the last time is over, once for all who ask until then. */
  ask(): void;
  /** Forgets who asked. */
  forget(): void;
}

/** Lets `work` happen at most every `intervalMs`. */
export function createPaced(work: () => void, intervalMs: number): Paced {
  let due = 0;
  let timer: NodeJS.Timeout | undefined;

  function run(): void {
    timer = undefined;
    due = performance.now() + intervalMs;
    work();
  }

  return {
    ask() {
      if (timer !== undefined) return;
      const left = due - performance.now();
      if (left <= 0) run();
      else timer = setTimeout(run, left);
    },
    forget() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
