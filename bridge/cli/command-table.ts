import type { Command } from 'commander';
import { addAdminCommands } from './commands/admin.ts';
import { addAppCommands } from './commands/app.ts';
import { addAuditCommands } from './commands/audit.ts';
import { addAuditSelfCommand } from './commands/audit-self.ts';
import { addConfigCommands } from './commands/config.ts';
import { addConnectionCommands } from './commands/connection.ts';
import { addDeviceCommands } from './commands/device.ts';
import { addDomainCommands } from './commands/domain.ts';
import { addEventsCommand } from './commands/events.ts';
import { addGroupCommands } from './commands/group.ts';
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
import type { Terminal } from './terminal.ts';

/** Hangs a command into the program, with what it does. */
export type AddCommand = (program: Command, terminal: Terminal) => void;

/** Every command, in the order in which the help shows them. */
export const COMMANDS: readonly AddCommand[] = [
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
  addGroupCommands,
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
