import type { Command } from 'commander';
import * as z from 'zod';
import {
  type RecoverySummary,
  recoveryCaseSchema,
  recoveryKeySchema,
  recoverySummarySchema,
} from '../../../protocol/escrow/organization-api.ts';
import { loadTransformEngine } from '../../../recrypt/load-node.ts';
import { openApi } from '../api-client.ts';
import { confirm } from '../confirm.ts';
import { makeOfficerKey, readOfficerFile, releaseShare, writeOfficerFile } from '../officer-key.ts';
import { facts, printable, show, table, when } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

interface Options {
  readonly json?: boolean;
  readonly yes?: boolean;
}

interface ApprovalOptions extends Options {
  readonly file: string;
  readonly fingerprint: string;
}

const KEY = '/admin/v1/recovery-key';
const PATH = '/admin/v1/recoveries';
const pathOf = (id: string) => `${PATH}/${encodeURIComponent(id)}`;

export function addRecoveryCommands(program: Command, terminal: Terminal): void {
  const recovery = program
    .command('recovery')
    .description('give people who lost all devices their keys back, two administrators together');
  addKeyCommands(recovery, terminal);
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
      show(terminal, options, refused, () => `Refused the recovery of ${refused.address}.`);
    });
}

function addKeyCommands(recovery: Command, terminal: Terminal): void {
  recovery
    .command('init-officer')
    .argument('<file>', 'where your half is written; it must not exist')
    .description('make and register your half of the recovery key; another administrator makes the other')
    .option('--json', 'answer as JSON')
    .action(async (path: string, options: Options) => {
      const api = await openApi(terminal);
      const { iss } = await api.get(KEY, recoveryKeySchema);
      const { file, passphrase, registration } = await makeOfficerKey(await loadTransformEngine(), iss);
      const { undo } = await writeOfficerFile(path, file);
      const key = await api
        .send('POST', `${KEY}/halves`, recoveryKeySchema, registration)
        .catch(async (error: unknown) => {
          await undo();
          throw error;
        });
      const { fingerprint } = key;
      show(terminal, options, { file: path, passphrase, fingerprint }, () =>
        [
          `Your half is in ${path}. Write down its passphrase; it is shown this once:`,
          passphrase,
          fingerprint === null
            ? 'Another administrator makes the other half now, on another machine.'
            : `Both halves are there. Tell your people the fingerprint: ${fingerprint}`,
        ].join('\n'),
      );
    });
  recovery
    .command('key')
    .description('the organization’s recovery key')
    .option('--json', 'answer as JSON')
    .action(async (options: Options) => {
      const key = await (await openApi(terminal)).get(KEY, recoveryKeySchema);
      show(terminal, options, key, ({ halves, fingerprint }) =>
        [
          facts({ fingerprint: fingerprint ?? 'none: a half is missing' }),
          table(
            ['half of', 'since'],
            halves.map(({ administrator, registered }) => [administrator, when(registered)]),
          ),
        ].join('\n\n'),
      );
    });
}

/** The fingerprint is not shown: who reads it off the bridge's answer compares nothing. */
function addApproveCommand(recovery: Command, terminal: Terminal): void {
  recovery
    .command('approve')
    .argument('<id>', 'as `countersign recovery list` shows it')
    .requiredOption('--file <file>', 'your half')
    .requiredOption('--fingerprint <text>', 'of the device, as the person themselves reads it to you')
    .description('give your share of the person’s keys to their new device; the second one releases them')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action(async (id: string, { file: path, fingerprint, ...options }: ApprovalOptions) => {
      const file = readOfficerFile(path);
      const api = await openApi(terminal);
      const asked = await api.get(pathOf(id), recoveryCaseSchema);
      const { address, label } = asked;
      await confirm(
        terminal,
        options.yes,
        `The device “${printable(label)}” will get your share of the keys of ${printable(address)}.`,
      );
      const passphrase = await askPassphrase(terminal);
      const told = { address, fingerprint };
      const engine = await loadTransformEngine();
      const approval = await releaseShare(engine, { file, passphrase }, asked, told);
      const done = await api.send('POST', `${pathOf(id)}/approval`, recoverySummarySchema, approval);
      show(terminal, options, done, ({ status }) =>
        status === 'released'
          ? `The keys of ${address} are released to the device.`
          : 'Your share is there. Another administrator must give theirs.',
      );
    });
}

async function askPassphrase(terminal: Terminal): Promise<string> {
  const given = terminal.env.COUNTERSIGN_OFFICER_PASSPHRASE;
  if (given !== undefined) return given;
  if (!terminal.interactive)
    throw new UsageError('Set COUNTERSIGN_OFFICER_PASSPHRASE, or ask at a terminal.');
  return terminal.ask('The passphrase of your half: ');
}

function list(recoveries: readonly RecoverySummary[]): string {
  return table(
    ['recovery', 'person', 'device', 'approvals', 'until'],
    recoveries.map(({ id, address, label, approvals, expires }) => [
      ...[id, address, label, String(approvals), when(expires)],
    ]),
    'Nobody asks for their keys.',
  );
}
