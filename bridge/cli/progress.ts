import type { Terminal } from './terminal.ts';

/** Time between two lines about one and the same work: more is not read. */
const EVERY_MS = 200;

/** How far long work has come, for a person who waits; nobody is told where nobody looks. */
export interface Progress {
  /** Makes the text only when it is shown. */
  tell(text: () => string): void;
  /** Takes away what was shown last. */
  end(): void;
}

export function createProgress({ progress }: Pick<Terminal, 'progress'>): Progress {
  if (progress === undefined) return { tell: () => {}, end: () => {} };
  let shown = performance.now();
  let any = false;
  return {
    tell(text) {
      const now = performance.now();
      if (now - shown < EVERY_MS) return;
      shown = now;
      any = true;
      progress(text());
    },
    end() {
      if (any) progress('');
      any = false;
    },
  };
}
