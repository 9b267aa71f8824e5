import { Command } from 'commander';
import { readVersion } from '../lib/version.ts';
import { addAdminCommands } from './commands/admin.ts';
import { addAppCommands } from './commands/app.ts';
import { addAuditCommands } from './commands/audit.ts';
import { addAuditSelfCommand } from './commands/audit-self.ts';
import { addConfigCommands } from './commands/config.ts';
import { addConnectionCommands } from './commands/connection.ts';
import { addDeviceCommands } from './commands/device.ts';
import { addDomainCommands } from './commands/domain.ts';
import { addEventsCommand } from './commands/events.ts';
import { addInitCommand } from './commands/init.ts';
import { addKeysCommands } from './commands/keys.ts';
import { addLogCommands } from './commands/log.ts';
import { addLogCompareCommands } from './commands/log-compare.ts';
import { addPartnerCommands } from './commands/partner.ts';
import { addPersonCommands } from './commands/person.ts';
import { addPolicyCommands } from './commands/policy.ts';
import { addRecoveryCommands } from './commands/recovery.ts';
import { addServeCommand } from './commands/serve.ts';
import { addServiceCommands } from './commands/service.ts';
import { addSignalsCommands } from './commands/signals.ts';
import { addSinkCommands } from './commands/sink.ts';
import { addTraceCommands } from './commands/trace.ts';
import { addWitnessCommands } from './commands/witness.ts';
import { describeFailure } from './failure.ts';
import type { Terminal } from './terminal.ts';

/** Every command, in the order in which the help shows them. */
const COMMANDS: readonly ((program: Command, terminal: Terminal) => void)[] = [
  addInitCommand,
  addServeCommand,
  addConfigCommands,
  addKeysCommands,
  addAdminCommands,
  addConnectionCommands,
  addDomainCommands,
  addPartnerCommands,
  addPersonCommands,
  addDeviceCommands,
  addRecoveryCommands,
  addPolicyCommands,
  addAppCommands,
  addServiceCommands,
  addEventsCommand,
  addSinkCommands,
  addSignalsCommands,
  addTraceCommands,
  addLogCommands,
  addWitnessCommands,
  addAuditCommands,
  addAuditSelfCommand,
  addLogCompareCommands,
];

/** Runs one command line; answers the exit code. It never rejects. */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const program = new Command('countersign')
    .description('Runs and administers a Countersign bridge.')
    .version(readVersion())
    // What stands behind a command is that command's, also where the one above it has an option of the same name.
    .enablePositionalOptions()
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(add --help for how to call it)');
  settle(program, terminal);
  for (const add of COMMANDS) add(program, terminal);
  for (const command of everyCommand(program)) settle(command, terminal);
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    const { text, exitCode } = describeFailure(error);
    if (text !== '') terminal.say(`countersign: ${text}`);
    return exitCode;
  }
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
