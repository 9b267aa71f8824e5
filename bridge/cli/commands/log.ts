import type { Command } from 'commander';
import * as z from 'zod';
import { decodeClaims } from '../../../protocol/jws.ts';
import { onlineKeysSchema } from '../../../protocol/online-keys.ts';
import { thumbprint } from '../../../protocol/public-key.ts';
import { logOrigin } from '../../../protocol/tlog/checkpoint.ts';
import { logVerifierKey } from '../../../protocol/tlog/log-keys.ts';
import { formatVerifierKey } from '../../../protocol/tlog/verifier-key.ts';
import type { Config } from '../../config/index.ts';
import { seconds } from '../../lib/clock.ts';
import { findSigner, keyInForce } from '../../signer/stored-keys.ts';
import { findWitnessKey, vkeyOf, witnessName } from '../../tlog/witness-key.ts';
import { openApi } from '../api-client.ts';
import {
  inLocalStore,
  type LocalOptions,
  type LocalStore,
  readLocalConfig,
  withLocalOptions,
} from '../local-store.ts';
import { facts, show, table } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { formatPolicy } from './log-policy.ts';
import { addLogRecoverCommand } from './log-recover.ts';
import { addLogTrustCommand } from './log-trust.ts';

interface Options {
  readonly json?: boolean;
}

/** The group that every command about key logs hangs in, whoever comes first. */
export function logGroup(program: Command): Command {
  return (
    program.commands.find((command) => command.name() === 'log') ??
    program.command('log').description('the key log: how it stands, who keeps it honest, and its recovery')
  );
}

export function addLogCommands(program: Command, terminal: Terminal): void {
  const log = logGroup(program);
  log
    .command('status')
    .description('how the key log stands, with its witnesses and auditors')
    .option('--json', 'answer as JSON')
    .action((options: Options) => status(terminal, options));
  withLocalOptions(log.command('vkey'))
    .description('the verifier keys that witnesses, auditors and partners configure')
    .option('--json', 'answer as JSON')
    .action((options: LocalOptions & Options) => vkey(terminal, options));
  withLocalOptions(log.command('policy'))
    .description('the log, its witnesses and quorum as a policy (C2SP tlog-policy) for others to pin')
    .action((options: LocalOptions) => policy(terminal, options));
  addLogTrustCommand(log, terminal);
  addLogRecoverCommand(log, terminal);
}

const quorum = z.object({
  needed: z.int(),
  size: z.int().nullable(),
  time: z.int().nullable(),
  missing_since: z.int().nullable(),
});
const statusSchema = z.object({
  origin: z.string(),
  checkpoint: z.object({ size: z.int(), root: z.string(), epoch: z.int(), time: z.int() }).nullable(),
  staged: z.int(),
  witnesses: z.array(
    z.object({
      name: z.string(),
      url: z.string(),
      state: z.string(),
      size: z.int().nullable(),
      cosigned: z.int().nullable(),
      error: z.string().nullable(),
    }),
  ),
  quorum: quorum.nullable(),
  auditors: z.array(z.object({ name: z.string(), size: z.int().nullable(), cosigned: z.int().nullable() })),
  auditor_quorum: quorum.nullable(),
  head_file: z.object({ path: z.string(), state: z.string(), size: z.int().nullable() }).nullable(),
  reasons: z.array(z.string()),
  witness: z.object({ vkey: z.string(), reasons: z.array(z.string()) }).nullable(),
});
type Status = z.infer<typeof statusSchema>;

async function status(terminal: Terminal, options: Options): Promise<void> {
  const found = await (await openApi(terminal)).get('/admin/v1/log', statusSchema);
  show(terminal, options, found, describe);
}

function describe(found: Status): string {
  const { origin, checkpoint, staged, head_file: file, reasons } = found;
  const refusing = found.witness?.reasons ?? [];
  return [
    facts({
      log: origin,
      checkpoint:
        checkpoint === null
          ? 'none yet'
          : `${checkpoint.size} entries, epoch ${checkpoint.epoch} of ${timeOf(checkpoint.time)}`,
      root: checkpoint?.root ?? null,
      staged: `${staged} versions`,
      'head file': file === null ? 'none' : `${file.state} (${file.path})`,
      quorum: describeQuorum(found.quorum, 'witnesses'),
      'auditor quorum': describeQuorum(found.auditor_quorum, 'auditors'),
    }),
    ...(found.witnesses.length === 0 ? [] : ['', witnessTable(found)]),
    ...(found.auditors.length === 0 ? [] : ['', auditorTable(found)]),
    ...(reasons.length === 0 ? [] : ['', 'NOTHING IS LOGGED:', ...reasons.map((reason) => `  ${reason}`)]),
    ...(refusing.length === 0
      ? []
      : ['', 'NOTHING IS COSIGNED FOR OTHERS:', ...refusing.map((reason) => `  ${reason}`)]),
  ].join('\n');
}

function describeQuorum(found: Status['quorum'], of: string): string | null {
  if (found === null) return of === 'witnesses' ? 'none is demanded: nobody cosigns this log' : null;
  const { needed, size, time, missing_since: missing } = found;
  const met = size === null ? 'never met' : `met at ${size} entries, ${timeOf(time)}`;
  return `${needed} of the ${of}; ${met}${missing === null ? '' : `; missing since ${timeOf(missing)}`}`;
}

function witnessTable({ witnesses }: Status): string {
  return table(
    ['witness', 'state', 'entries', 'cosigned', 'url'],
    witnesses.map(({ name, state, size, cosigned, url, error }) => [
      ...[name, error === null ? state : `${state} (${error})`],
      ...[size === null ? '-' : String(size), timeOf(cosigned), url],
    ]),
  );
}

function auditorTable({ auditors }: Status): string {
  return table(
    ['auditor', 'entries', 'cosigned'],
    auditors.map(({ name, size, cosigned }) => [name, size === null ? '-' : String(size), timeOf(cosigned)]),
  );
}

function timeOf(time: number | null): string {
  return time === null ? '-' : new Date(time * 1000).toISOString();
}

interface LogKey {
  readonly vkey: string;
  readonly state: 'in use' | 'next' | 'retired';
}

async function vkey(terminal: Terminal, options: LocalOptions & Options): Promise<void> {
  const config = readLocalConfig(terminal, options);
  const found = await inLocalStore(config, async (store) => ({
    log: await logKeys(store),
    witness: await witnessKeyOf(store),
  }));
  show(terminal, options, found, ({ log, witness }) =>
    [
      'The keys of this bridge’s log, for witnesses and auditors:',
      ...log.map(({ vkey, state }) => `  ${vkey}${state === 'in use' ? '' : `  (${state})`}`),
      witness === null
        ? 'It is no witness of others; `countersign witness key` makes its key, `witness` in the configuration its logs.'
        : `The witness that it is of others, for their key_log.witnesses:\n  vkey: ${witness.vkey}\n  url: ${witness.url}`,
    ].join('\n'),
  );
}

/** Those that the root vouches for and has not declared compromised, the one in use first. */
async function logKeys({ database, clock, config }: LocalStore): Promise<LogKey[]> {
  const stored = await database.read(findSigner);
  if (stored === undefined) throw new UsageError('This store has no keys yet: run `countersign init`.');
  const { keys, compromised } = decodeClaims(stored.token, 'online-keys+jwt', onlineKeysSchema);
  const now = seconds(clock);
  const origin = logOrigin(config.issuer);
  const known = keys
    .filter(({ purpose, jwk }) => purpose === 'log' && !compromised.includes(thumbprint(jwk)))
    .sort((one, other) => other.nbf - one.nbf);
  const inUse = keyInForce(keys, 'log', now);
  return known
    .map((key): LogKey => {
      const state = key === inUse ? 'in use' : key.nbf > now ? 'next' : 'retired';
      return { vkey: formatVerifierKey(logVerifierKey(origin, key)), state };
    })
    .sort((one, other) => Number(other.state === 'in use') - Number(one.state === 'in use'));
}

/** Made by the bridge when it first starts as a witness, or by `countersign witness key`. */
async function witnessKeyOf({ database, config }: LocalStore): Promise<{ vkey: string; url: string } | null> {
  const name = witnessName(config.issuer);
  const stored = await database.read((query) => findWitnessKey(query, name));
  return stored === undefined ? null : { vkey: vkeyOf(stored), url: `${config.issuer}/witness` };
}

async function policy(terminal: Terminal, options: LocalOptions): Promise<void> {
  const config: Config = readLocalConfig(terminal, options);
  const keys = await inLocalStore(config, logKeys);
  terminal.out(
    formatPolicy(
      {
        url: `${config.issuer}/log`,
        vkeys: keys.filter(({ state }) => state !== 'retired').map(({ vkey }) => vkey),
      },
      config.key_log,
    ),
  );
}
