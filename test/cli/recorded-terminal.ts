import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../bridge/cli/program.ts';
import type { Terminal } from '../../bridge/cli/terminal.ts';

/** What one command line did. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly said: string;
}

/** A terminal whose home is a folder of its own; `answers` are what a person types, in turn. */
export interface RecordedTerminal {
  readonly home: string;
  run(args: readonly string[], given?: { env?: Record<string, string>; answers?: string[] }): Promise<Ran>;
  remove(): Promise<void>;
}

export async function recordedTerminal(fetchNamed: typeof fetch = fetch): Promise<RecordedTerminal> {
  const home = await mkdtemp(join(tmpdir(), 'countersign-home-'));
  return {
    home,
    async run(args, { env = {}, answers } = {}) {
      const out: string[] = [];
      const said: string[] = [];
      const terminal: Terminal = {
        ...{ env, home, interactive: answers !== undefined, fetch: fetchNamed },
        out: (text) => void out.push(text),
        say: (text) => void said.push(text),
        ask: async (question) => {
          said.push(question);
          return answers?.shift() ?? '';
        },
      };
      const code = await runCommand(args, terminal);
      return { code, out: out.join('\n'), said: said.join('\n') };
    },
    remove: () => rm(home, { recursive: true }),
  };
}
