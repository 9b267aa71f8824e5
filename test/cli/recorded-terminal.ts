import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../bridge/cli/program.ts';
import type { Terminal } from '../../bridge/cli/terminal.ts';
import { UsageError } from '../../bridge/cli/usage-error.ts';

/** What one command line did. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly said: string;
}

/** What a person types, in turn; or the lines of what is piped in, where there is no person. */
interface Given {
  readonly env?: Record<string, string>;
  readonly answers?: string[];
  readonly piped?: string[];
  /** Whether the output is shown on a screen. */
  readonly screen?: boolean;
}

/** A terminal whose home is a folder of its own. */
export interface RecordedTerminal {
  readonly home: string;
  run(args: readonly string[], given?: Given): Promise<Ran>;
  remove(): Promise<void>;
}

export async function recordedTerminal(fetchNamed: typeof fetch = fetch): Promise<RecordedTerminal> {
  const home = await mkdtemp(join(tmpdir(), 'countersign-home-'));
  return {
    home,
    async run(args, { env = {}, answers, piped, screen = false } = {}) {
      const out: string[] = [];
      const said: string[] = [];
      const terminal: Terminal = {
        ...{ env, home, interactive: answers !== undefined, screen, fetch: fetchNamed },
        out: (text) => void out.push(text),
        say: (text) => void said.push(text),
        ask: async (question) => {
          said.push(question);
          return answers?.shift() ?? '';
        },
        askSecret: async (question) => {
          if (answers !== undefined) said.push(question);
          const line = (answers ?? piped)?.shift();
          if (line === undefined) throw new UsageError('Nothing was piped in.');
          return line;
        },
      };
      const code = await runCommand(args, terminal);
      return { code, out: out.join('\n'), said: said.join('\n') };
    },
    remove: () => rm(home, { recursive: true }),
  };
}
