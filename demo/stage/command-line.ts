import { runCommand } from '../../bridge/cli/program.ts';

/** What a command answered. */
export interface CommandResult {
  readonly status: number;
  readonly out: string;
  readonly said: string;
}

/** Runs `countersign` as somebody who was not there: without configuration, and with the network cut. */
export async function runOffline(args: readonly string[]): Promise<CommandResult> {
  const out: string[] = [];
  const said: string[] = [];
  const refuse = async () => {
    throw new TypeError('the network is cut');
  };
  const status = await runCommand(args, {
    ...{ env: {}, home: '/nonexistent', interactive: false },
    ...{ fetch: refuse, ask: refuse, askSecret: refuse },
    out: (text) => void out.push(text),
    say: (text) => void said.push(text),
  });
  return { status, out: out.join('\n'), said: said.join('\n') };
}
