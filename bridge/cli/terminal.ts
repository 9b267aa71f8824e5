import { homedir } from 'node:os';
import { createInterface } from 'node:readline/promises';

/** What a command may touch of the world around it, so that a test can be that world. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Whether a person reads and can answer. */
  readonly interactive: boolean;
  readonly fetch: typeof fetch;
  /** What was asked for, and nothing else: it may be piped on. */
  out(text: string): void;
  /** Everything that is said besides. */
  say(text: string): void;
  ask(question: string): Promise<string>;
}

export function processTerminal(): Terminal {
  return {
    env: process.env,
    home: homedir(),
    interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
    fetch,
    out: (text) => void process.stdout.write(`${text}\n`),
    say: (text) => void process.stderr.write(`${text}\n`),
    async ask(question) {
      const prompt = createInterface({ input: process.stdin, output: process.stderr });
      try {
        return (await prompt.question(question)).trim();
      } finally {
        prompt.close();
      }
    },
  };
}
