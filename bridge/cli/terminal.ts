import { homedir } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { UsageError } from './usage-error.ts';

/** What a command may touch of the world around it, so that a test can be that world. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Whether a person reads and can answer. */
  readonly interactive: boolean;
  /** Whether what is put out is shown to a person, and not piped on. */
  readonly screen?: boolean;
  readonly fetch: typeof fetch;
  /** What was asked for, and nothing else: it may be piped on. */
  out(text: string): void;
  /** Everything that is said besides. */
  say(text: string): void;
  /** Shows how far work is, in the place of what was shown before; absent where nobody looks. */
  readonly progress?: (text: string) => void;
  ask(question: string): Promise<string>;
  /** What nobody may look over a shoulder at: typed unseen, or the next line of what is piped in. */
  askSecret(question: string): Promise<string>;
}

export function processTerminal(): Terminal {
  const interactive = process.stdin.isTTY === true && process.stderr.isTTY === true;
  return {
    env: process.env,
    home: homedir(),
    interactive,
    screen: process.stdout.isTTY === true,
    fetch,
    out: (text) => void process.stdout.write(`${text}\n`),
    say: (text) => void process.stderr.write(`${text}\n`),
    ...(process.stderr.isTTY === true ? { progress: shownInPlace } : {}),
    async ask(question) {
      const prompt = createInterface({ input: process.stdin, output: process.stderr });
      try {
        return (await prompt.question(question)).trim();
      } finally {
        prompt.close();
      }
    },
    askSecret: interactive ? typedUnseen : pipedLines(),
  };
}

/** At the beginning of the line, which is emptied first. */
function shownInPlace(text: string): void {
  process.stderr.write(`\r\u001b[K${text}`);
}

async function typedUnseen(question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const prompt = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  // Reading key by key, the library sees Ctrl-C before the process does.
  prompt.on('SIGINT', () => process.exit(130));
  process.stderr.write(question);
  try {
    return (await prompt.question('')).trim();
  } finally {
    prompt.close();
    process.stderr.write('\n');
  }
}

/** One reader for all questions: what it has read ahead belongs to the next ones. */
function pipedLines(): (question: string) => Promise<string> {
  let lines: AsyncIterator<string> | undefined;
  return async (question) => {
    lines ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]();
    const next = await lines.next();
    if (next.done === true) throw new UsageError(`Standard input has no line for “${question.trim()}”.`);
    return next.value.trim();
  };
}
