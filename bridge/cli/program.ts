import { Command } from 'commander';
import { readVersion } from '../lib/version.ts';
import type { AddCommand } from './command-table.ts';
import { addServeCommand } from './commands/serve.ts';
import { describeFailure } from './failure.ts';
import type { Terminal } from './terminal.ts';

/** Runs one command line; answers the exit code. It never rejects. */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const program = new Command('countersign')
    .description('Runs and administers a Countersign bridge.')
    .version(readVersion())
    // What stands behind a command is that command's, also where the one above it has an option of the same name.
    .enablePositionalOptions()
    .showHelpAfterError('(add --help for how to call it)');
  settle(program, terminal);
  try {
    for (const add of await commandsFor(args)) add(program, terminal);
    for (const command of everyCommand(program)) settle(command, terminal);
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    const { text, exitCode } = describeFailure(error);
    if (text !== '') terminal.say(`countersign: ${text}`);
    return exitCode;
  }
}

/** A bridge that starts does not wait for the modules of all the other commands. */
async function commandsFor(args: readonly string[]): Promise<readonly AddCommand[]> {
  if (args[0] === 'serve') return [addServeCommand];
  const { COMMANDS } = await import('./command-table.ts');
  return COMMANDS;
}

/** The library writes to the process and exits by itself unless told otherwise, command by command. */
function settle(command: Command, terminal: Terminal): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => terminal.out(text.trimEnd()),
    writeErr: (text) => terminal.say(text.trimEnd()),
  });
}

function everyCommand(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...everyCommand(child as Command)]) as Command[];
}
