import { readFile, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { isCountersignError } from '../../../protocol/errors.ts';
import { readHeader } from '../../../protocol/jws.ts';
import type { LogTrust } from '../../../protocol/keytrans/log-trust.ts';
import {
  type LoggedChange,
  type TrustChanges,
  trustChangesSchema,
  type VerifiedTrustChanges,
  verifyTrustChanges,
} from '../../../protocol/trust-changes.ts';
import { seconds, systemClock } from '../../lib/clock.ts';
import { Alarm } from '../alarm.ts';
import { type ApiClient, openApi } from '../api-client.ts';
import { printable, show, table, when } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { readTrustPolicy } from '../trust-policy-file.ts';
import { UsageError } from '../usage-error.ts';

interface Options {
  readonly root?: string;
  readonly policy?: string;
  readonly about?: string;
  readonly save?: string;
  readonly from?: string;
  readonly json?: boolean;
}

const NOBODY: LogTrust = { witnesses: [], witnessQuorum: 0, auditors: [], auditorQuorum: 0 };

export function addLogTrustCommand(log: Command, terminal: Terminal): void {
  log
    .command('trust')
    .description(
      'every change of whom the bridge trusts, each verified against the log: who did what, and when',
    )
    .option(
      '--about <beginning>',
      'only names that begin so: connection/, domain/, administrator/, https://…',
    )
    .option('--root <thumbprint>', 'the bridge’s root key, as the organization tells it')
    .option('--policy <file>', 'whom you trust to watch the log (C2SP policy)')
    .option('--save <file>', 'keep them with their openings, for an auditor')
    .option('--from <file>', 'verify what somebody saved; asks no bridge')
    .option('--json', 'answer as JSON')
    .action((options: Options) => trust(terminal, options));
}

async function trust(terminal: Terminal, options: Options): Promise<void> {
  const shown =
    options.from === undefined ? await readChanges(await openApi(terminal)) : await readSaved(options.from);
  if (options.save !== undefined) await save(options.save, shown);
  const verified = await verify(terminal, shown, options);
  const about = verified.changes.filter(({ name }) => name.startsWith(options.about ?? ''));
  const { level, asOf } = verified;
  const answer = { iss: shown.iss, level, as_of: asOf, changes: about };
  show(terminal, options, answer, () => describe(verified, about));
}

async function readChanges(api: ApiClient): Promise<TrustChanges> {
  const path = '/admin/v1/log/trust-changes';
  let page = await api.get(path, trustChangesSchema);
  const changes = [...page.changes];
  while (page.next !== null) {
    const { name, version } = page.next;
    page = await api.get(`${path}?name=${encodeURIComponent(name)}&version=${version}`, trustChangesSchema);
    changes.push(...page.changes);
  }
  return { ...page, changes };
}

async function readSaved(file: string): Promise<TrustChanges> {
  try {
    return trustChangesSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    throw new UsageError(`${file} cannot be read, or is nothing that \`log trust --save\` wrote.`, { cause });
  }
}

/** With the openings, which are for whoever is to look at them. */
async function save(file: string, shown: TrustChanges): Promise<void> {
  await writeFile(file, `${JSON.stringify(shown)}\n`, { mode: 0o600, flag: 'wx' }).catch((cause: unknown) => {
    throw new UsageError(`${file} cannot be written, or is there already.`, { cause });
  });
}

async function verify(
  terminal: Terminal,
  shown: TrustChanges,
  { root, policy }: Options,
): Promise<VerifiedTrustChanges> {
  const rootThumbprint = root ?? readHeader(shown.online_keys).kid;
  if (root === undefined)
    terminal.say(
      `trusting the root key ${rootThumbprint}, which the bridge shows: compare it, or give --root`,
    );
  const context = {
    ...{ entityId: shown.iss, rootThumbprint, now: seconds(systemClock) },
    trust: policy === undefined ? NOBODY : await readTrustPolicy(policy),
  };
  try {
    return await verifyTrustChanges(shown, context);
  } catch (error) {
    if (!isCountersignError(error)) throw error;
    const why = printable(error.detail ?? error.message);
    throw new Alarm(`What the bridge shows is not what its log has (${error.code}): ${why}`);
  }
}

function describe({ changes, level, asOf }: VerifiedTrustChanges, about: readonly LoggedChange[]): string {
  const names = namesOf(changes);
  const rows = about
    .toSorted((one, other) => timeOf(one) - timeOf(other))
    .map((each) => [
      ...[when(each.at ?? each.logged?.time ?? null), each.change ?? changeOfRecord(each)],
      ...[each.name, String(each.version), whoDid(each.by, names)],
      each.value === null
        ? 'LOST'
        : each.logged === null
          ? 'NOT YET'
          : `entry ${each.logged.index}, epoch ${each.logged.epoch}`,
      each.isNewest ? 'newest' : '',
    ]);
  const waiting = about.filter(({ logged }) => logged === null).length;
  return [
    table(['when', 'change', 'of', 'version', 'by', 'in the log', ''], rows),
    '',
    `${about.length - waiting} of ${about.length} are in the log as they stand here (${level ?? 'nothing logged yet'}).`,
    ...(asOf === null ? [] : [`Newest as of epoch ${asOf.epoch} of ${when(asOf.time)}.`]),
  ].join('\n');
}

function timeOf({ at, logged }: LoggedChange): number {
  return at ?? logged?.time ?? Number.POSITIVE_INFINITY;
}

/** Records of companies say how they stand: the own one has no status. */
function changeOfRecord({ value }: LoggedChange): string {
  if (value === null) return '?';
  return typeof value.status === 'string' ? `partner.${value.status}` : 'own record';
}

/** By id: what administrators called themselves when their tokens were made, which the log has too. */
function namesOf(changes: readonly LoggedChange[]): ReadonlyMap<string, string> {
  const named = new Map<string, string>();
  for (const { name, value } of changes) {
    const state = value?.state;
    if (!name.startsWith('administrator/') || typeof state !== 'object' || state === null) continue;
    if ('name' in state && typeof state.name === 'string') {
      named.set(name.slice('administrator/'.length), state.name);
    }
  }
  return named;
}

function whoDid(by: LoggedChange['by'], names: ReadonlyMap<string, string>): string {
  if (typeof by !== 'object' || by === null || !('kind' in by)) return '';
  if ('id' in by && typeof by.id === 'string') return names.get(by.id) ?? by.id;
  return String(by.kind);
}
