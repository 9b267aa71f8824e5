import type { Command } from 'commander';
import * as z from 'zod';
import {
  type RecoverySummary,
  recoveryCaseSchema,
  recoverySummarySchema,
} from '../../../protocol/escrow/organization-api.ts';
import { loadTransformEngine } from '../../../recrypt/load-node.ts';
import { openApi } from '../api-client.ts';
import { confirm } from '../confirm.ts';
import { askPassphrase, readOfficerFile, releaseShare } from '../officer-key.ts';
import { printable, show, table, when } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { addKeptEscrowCommands } from './kept-escrow.ts';
import { addRecoveryKeyCommands } from './recovery-key.ts';

interface Options {
  readonly json?: boolean;
  readonly yes?: boolean;
}

interface ApprovalOptions extends Options {
  readonly file: string;
  readonly fingerprint: string;
}

const PATH = '/admin/v1/recoveries';
const pathOf = (id: string) => `${PATH}/${encodeURIComponent(id)}`;

export function addRecoveryCommands(program: Command, terminal: Terminal): void {
  const recovery = program
    .command('recovery')
    .description('give people who lost all devices their keys back, two administrators together');
  addRecoveryKeyCommands(recovery, terminal);
  recovery
    .command('list')
    .description('the recoveries that wait for administrators')
    .option('--json', 'answer as JSON')
    .action(async (options: Options) => {
      const schema = z.object({ recoveries: z.array(recoverySummarySchema) });
      const { recoveries } = await (await openApi(terminal)).get(PATH, schema);
      show(terminal, options, { recoveries }, () => list(recoveries));
    });
  addApproveCommand(recovery, terminal);
  addKeptEscrowCommands(recovery, terminal);
  recovery
    .command('refuse')
    .argument('<id>', 'as `countersign recovery list` shows it')
    .description('refuse a recovery')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action(async (id: string, options: Options) => {
      const api = await openApi(terminal);
      await confirm(terminal, options.yes, `The recovery ${id} will be refused.`);
      const refused = await api.send('POST', `${pathOf(id)}/refusal`, recoverySummarySchema);
      show(terminal, options, refused, () => `Refused the recovery of ${printable(refused.address)}.`);
    });
}

function consequence({ purpose, address, label }: RecoverySummary): string {
  return purpose === 'reading'
    ? `With your share, and another one, somebody reads what ${printable(address)} sealed before they were closed: “${printable(label)}”.`
    : `The device “${printable(label)}” will get your share of the keys of ${printable(address)}.`;
}

/** The fingerprint is not shown: who reads it off the bridge's answer compares nothing. */
function addApproveCommand(recovery: Command, terminal: Terminal): void {
  recovery
    .command('approve')
    .argument('<id>', 'as `countersign recovery list` shows it')
    .requiredOption('--file <file>', 'your half')
    .requiredOption(
      '--fingerprint <text>',
      'of the device, as the person themselves reads it to you; of a reading, as who asked for it does',
    )
    .description('give your share of the person’s keys to their new device; the second one releases them')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action(async (id: string, { file: path, fingerprint, ...options }: ApprovalOptions) => {
      const file = readOfficerFile(path);
      const api = await openApi(terminal);
      const asked = await api.get(pathOf(id), recoveryCaseSchema);
      const { address } = asked;
      await confirm(terminal, options.yes, consequence(asked));
      const passphrase = await askPassphrase(terminal);
      const told = { address, fingerprint };
      const engine = await loadTransformEngine();
      const approval = await releaseShare(engine, { file, passphrase }, asked, told);
      const done = await api.send('POST', `${pathOf(id)}/approval`, recoverySummarySchema, approval);
      show(terminal, options, done, ({ status }) =>
        status === 'released'
          ? `The keys of ${printable(address)} are released.`
          : 'Your share is there. Another administrator must give theirs.',
      );
    });
}

function list(recoveries: readonly RecoverySummary[]): string {
  return table(
    ['recovery', 'person', 'for', 'approvals', 'until'],
    recoveries.map(({ id, purpose, address, label, approvals, expires }) => [
      ...[id, address, purpose === 'reading' ? `reading: ${label}` : label],
      ...[String(approvals), when(expires)],
    ]),
    'Nobody asks for their keys.',
  );
}
