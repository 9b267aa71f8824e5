import type { Command } from 'commander';
import {
  type EscrowCoverage,
  escrowCoverageSchema,
  type RecoveryHalf,
  type RecoveryKey,
  recoveryDrillSchema,
  recoveryKeySchema,
} from '../../../protocol/escrow/organization-api.ts';
import { loadTransformEngine } from '../../../recrypt/load-node.ts';
import { type ApiClient, openApi } from '../api-client.ts';
import { confirm } from '../confirm.ts';
import {
  answerDrill,
  askPassphrase,
  makeOfficerKey,
  readOfficerFile,
  signSuccession,
  writeOfficerFile,
} from '../officer-key.ts';
import { facts, show, table, when } from '../output.ts';
import { assertShown, fingerprintOfHalves, reckoned } from '../recovery-halves.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

interface Options {
  readonly json?: boolean;
  readonly yes?: boolean;
}

const KEY = '/admin/v1/recovery-key';
const REPLACEMENT = `${KEY}/replacement`;

/** The recovery key itself: parts of `countersign recovery`. */
export function addRecoveryKeyCommands(recovery: Command, terminal: Terminal): void {
  addInitOfficerCommand(recovery, terminal);
  addKeyCommands(recovery, terminal);
  addReplacementCommands(recovery, terminal);
  addDrillCommand(recovery, terminal);
}

function addInitOfficerCommand(recovery: Command, terminal: Terminal): void {
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
      const key = await register(api, registration).catch(async (error: unknown) => {
        await undo();
        throw error;
      });
      const fingerprint = fingerprintOfHalves(iss, (key.replacement ?? key).halves);
      show(terminal, options, { file: path, passphrase, fingerprint }, () =>
        [
          `Your half is in ${path}. Write down its passphrase; it is shown this once:`,
          passphrase,
          afterRegistration(key, fingerprint),
        ].join('\n'),
      );
    });
}

/** Throws `recovery_half` where the bridge answers with other halves than the one that it was sent. */
async function register(api: ApiClient, registration: RecoveryHalf): Promise<RecoveryKey> {
  const key = await api.send('POST', `${KEY}/halves`, recoveryKeySchema, registration);
  assertShown((key.replacement ?? key).halves, registration.half);
  return key;
}

function afterRegistration({ replacement }: RecoveryKey, fingerprint: string | null): string {
  if (fingerprint === null) return 'Another administrator makes the other half now, on another machine.';
  const compared = `Both halves are there. Who made the other one sees the same fingerprint with “recovery key --file”: ${fingerprint}`;
  return replacement === null
    ? `${compared}\nThen tell your people.`
    : `${compared}\nThen tell the two who hold the ones of before.`;
}

function addKeyCommands(recovery: Command, terminal: Terminal): void {
  recovery
    .command('key')
    .description('the organization’s recovery key')
    .option('--file <file>', 'your half, which must be one of the two: of the new key while one is made')
    .option('--json', 'answer as JSON')
    .action(async ({ file, ...options }: Options & { file?: string }) => {
      const key = reckoned(await (await openApi(terminal)).get(KEY, recoveryKeySchema));
      if (file !== undefined) assertShown((key.replacement ?? key).halves, readOfficerFile(file).half);
      show(terminal, options, key, describe);
    });
  recovery
    .command('coverage')
    .description('how many people’s keys the recovery key covers, and whose it does not')
    .option('--json', 'answer as JSON')
    .action(async (options: Options) => {
      const api = await openApi(terminal);
      const first = await api.get(`${KEY}/coverage`, escrowCoverageSchema);
      const uncovered = [...first.uncovered];
      for (let page = first; page.next !== null; ) {
        page = await api.get(`${KEY}/coverage?after=${encodeURIComponent(page.next)}`, escrowCoverageSchema);
        uncovered.push(...page.uncovered);
      }
      show(terminal, options, { ...first, uncovered, next: null }, coverage);
    });
}

function addReplacementCommands(recovery: Command, terminal: Terminal): void {
  recovery
    .command('replace')
    .requiredOption('--reason <text>', 'stands in the event')
    .description('begin to replace the recovery key: somebody leaves, or a half is lost')
    .option('--json', 'answer as JSON')
    .action(async ({ reason, ...options }: Options & { reason: string }) => {
      const key = await (await openApi(terminal)).send('POST', REPLACEMENT, recoveryKeySchema, { reason });
      show(terminal, options, key, describe);
    });
  recovery
    .command('approve-replacement')
    .requiredOption('--fingerprint <text>', 'of the new halves, as those who made them tell you')
    .option(
      '--file <file>',
      'your half of the key that is replaced; without it the apps do not follow by themselves',
    )
    .description('approve the new halves; the second administrator ends the replacement')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action(async ({ fingerprint, file: path, ...options }: Options & Approval) => {
      const api = await openApi(terminal);
      const key = reckoned(await api.get(KEY, recoveryKeySchema));
      const told = fingerprint.replaceAll(/\s/g, '');
      if (key.replacement?.fingerprint !== told) {
        throw new UsageError('The bridge has other new halves than these, or not both yet.');
      }
      await confirm(terminal, options.yes, 'People will escrow to the new halves, and no more to yours.');
      const signed =
        path === undefined
          ? { half: null, signature: null }
          : await signSuccession(
              await loadTransformEngine(),
              { file: readOfficerFile(path), passphrase: await askPassphrase(terminal) },
              key,
              told,
            );
      const approval = { fingerprint: told, ...signed };
      const done = await api.send('POST', `${REPLACEMENT}/approvals`, recoveryKeySchema, approval);
      show(terminal, options, done, ({ replacement }) =>
        replacement === null
          ? `The recovery key is replaced. Tell your people the fingerprint: ${told}`
          : 'Another administrator must approve too.',
      );
    });
  recovery
    .command('abandon-replacement')
    .description('give the replacement up; the recovery key of before stays')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action(async (options: Options) => {
      const api = await openApi(terminal);
      await confirm(terminal, options.yes, 'The new halves will be forgotten.');
      const key = await api.send('POST', `${REPLACEMENT}/abandonment`, recoveryKeySchema);
      show(terminal, options, key, describe);
    });
}

interface Approval {
  readonly fingerprint: string;
  readonly file?: string;
}

function addDrillCommand(recovery: Command, terminal: Terminal): void {
  recovery
    .command('drill')
    .requiredOption('--file <file>', 'your half')
    .description(
      'show that your half works, without opening anybody’s key; another administrator does the same',
    )
    .option('--json', 'answer as JSON')
    .action(async ({ file: path, ...options }: Options & { file: string }) => {
      const file = readOfficerFile(path);
      const api = await openApi(terminal);
      const drill = await api.send('POST', `${KEY}/drills`, recoveryDrillSchema);
      const passphrase = await askPassphrase(terminal);
      const answer = await answerDrill(await loadTransformEngine(), { file, passphrase }, drill);
      const answers = `${KEY}/drills/${encodeURIComponent(drill.id)}/answers`;
      const done = await api.send('POST', answers, recoveryDrillSchema, answer);
      show(terminal, options, done, ({ passed }) =>
        passed === null
          ? 'Your half works. Another administrator shows the same with theirs, within a week.'
          : 'Both halves of the recovery key work.',
      );
    });
}

function describe({ fingerprint, halves, replacement }: RecoveryKey): string {
  const shown = (rows: RecoveryKey['halves']) =>
    table(
      ['half of', 'since'],
      rows.map(({ administrator, registered }) => [administrator, when(registered)]),
    );
  const current = [facts({ fingerprint: fingerprint ?? 'none: a half is missing' }), shown(halves)];
  if (replacement === null) return current.join('\n\n');
  const { reason, approvals } = replacement;
  const approved = approvals
    .map(({ administrator, counts }) =>
      counts ? administrator : `${administrator} (removed, does not count)`,
    )
    .join(', ');
  const next = facts({
    ...{ 'is replaced': reason, 'new fingerprint': replacement.fingerprint ?? 'none: a half is missing' },
    'approved by': approved === '' ? 'nobody yet' : approved,
  });
  return [...current, next, shown(replacement.halves)].join('\n\n');
}

function coverage({ setting, counts, uncovered }: EscrowCoverage): string {
  const summary = facts({
    'escrow to the organization': setting,
    'covered by the recovery key': String(counts?.current ?? 0),
    'covered by one before': String(counts?.before ?? 0),
    'sealed to halves that are not ours': String(counts?.foreign ?? 0),
    'a passphrase of their own': String(counts?.passphrase ?? 0),
    none: String(counts?.none ?? 0),
  });
  const rows = uncovered.map(({ address, escrow }) => [address, escrow]);
  return [summary, table(['person', 'escrow'], rows, 'Everybody is covered.')].join('\n\n');
}
