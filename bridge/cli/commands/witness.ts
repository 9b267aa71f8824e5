import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { CountersignError } from '../../../protocol/errors.ts';
import { ED25519_NOTE, parseVerifierKey, type VerifierKey } from '../../../protocol/tlog/verifier-key.ts';
import { composeWitness } from '../../http/compose-witness.ts';
import { type ListeningServer, startServer } from '../../http/server.ts';
import { systemClock } from '../../lib/clock.ts';
import { STOP_GRACE_MS } from '../../lib/limits.ts';
import { createLogger, type Logger } from '../../lib/logger.ts';
import { type Network, parseNetwork } from '../../lib/networks.ts';
import { openWitnessKey, witnessName } from '../../tlog/witness-key.ts';
import { createWitness, type SplitView } from '../../tlog/witness-server.ts';
import { inLocalStore, type LocalOptions, readLocalConfig, withLocalOptions } from '../local-store.ts';
import { show } from '../output.ts';
import { repeatable } from '../repeatable.ts';
import { stopSignal } from '../stop-signal.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { initializeWitnessFolder, openWitnessFolder, type WitnessFolder } from '../witness-folder.ts';
import { addReplaceKeyCommand, localSealing } from './witness-replace-key.ts';

interface FolderOptions {
  readonly folder: string;
  readonly json?: boolean;
}

interface RunOptions extends FolderOptions {
  readonly log: readonly string[];
  readonly listen: string;
  readonly tlsCertificate?: string;
  readonly tlsKey?: string;
  readonly trustedProxy?: readonly string[];
}

const FOLDER = [
  '--folder <path>',
  'where the witness keeps its key and what it cosigned',
  'witness',
] as const;

export function addWitnessCommands(program: Command, terminal: Terminal): void {
  const witness = program
    .command('witness')
    .description('cosign the checkpoints of other logs, so that none can show two histories');
  witness
    .command('init')
    .description('make a witness that runs by itself; prints the verifier key that logs configure')
    .requiredOption('--name <name>', 'the name of its key, like witness.example.com/w1')
    .option(...FOLDER)
    .option('--json', 'answer as JSON')
    .action((options: FolderOptions & { readonly name: string }) => initialize(terminal, options));
  witness
    .command('run')
    .description('run that witness until SIGTERM or SIGINT')
    .requiredOption('--log <vkey>', 'the verifier key of a log to cosign; may be repeated', repeatable)
    .option(...FOLDER)
    .option('--listen <address>', 'where to take requests, as ip:port or [ip]:port', '127.0.0.1:8480')
    .option('--tls-certificate <file>', 'the certificate and its chain, PEM; without it a proxy ends TLS')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--trusted-proxy <network>', 'a proxy whose X-Forwarded headers are believed (CIDR)', repeatable)
    .action((options: RunOptions) => run(terminal, options));
  withLocalOptions(witness.command('key'))
    .description('the verifier key of the witness that this bridge is')
    .option('--json', 'answer as JSON')
    .action((options: LocalOptions & { readonly json?: boolean }) => showKey(terminal, options));
  addReplaceKeyCommand(witness, terminal);
}

async function initialize(
  terminal: Terminal,
  options: FolderOptions & { readonly name: string },
): Promise<void> {
  const vkey = await initializeWitnessFolder(options.folder, options.name);
  terminal.say(
    `Made the witness ${options.name} in ${options.folder}. Never run it on a restored copy of its database: it would ` +
      'cosign a second history. Its verifier key:',
  );
  show(terminal, options, { vkey }, (made) => made.vkey);
}

async function showKey(
  terminal: Terminal,
  options: LocalOptions & { readonly json?: boolean },
): Promise<void> {
  const vkey = await inLocalStore(
    readLocalConfig(terminal, options),
    async ({ config, database, clock, ...given }) => {
      const signer = await localSealing(database, given);
      return (await openWitnessKey({ database, signer, clock, name: witnessName(config.issuer) })).vkey;
    },
  );
  show(terminal, options, { vkey }, (found) => found.vkey);
}

async function run(terminal: Terminal, options: RunOptions): Promise<void> {
  const stopAsked = stopSignal();
  const place = placeOf(options);
  const logs = options.log.map(logKey);
  const trustedProxies = (options.trustedProxy ?? []).map(networkOf);
  const logger = createLogger({ level: 'info', clock: systemClock });
  const folder = await openWitnessFolder(options.folder);
  try {
    const server = await serve(folder, { place, logs, trustedProxies, logger });
    terminal.say(
      `The witness ${folder.key.name} takes add-checkpoint on port ${server.port}: ${folder.key.vkey}`,
    );
    await stopAsked;
    await server.stop(STOP_GRACE_MS);
  } finally {
    await folder.database.close();
  }
}

function serve(
  { key, database }: WitnessFolder,
  {
    place,
    logs,
    trustedProxies,
    logger,
  }: {
    place: ReturnType<typeof placeOf>;
    logs: readonly VerifierKey[];
    trustedProxies: readonly Network[];
    logger: Logger;
  },
): Promise<ListeningServer> {
  const witness = createWitness({
    ...{ key, database, clock: systemClock },
    findLogKeys: async (origin) => ({ keys: logs.filter(({ name }) => name === origin) }),
    onSplitView: (found: SplitView) => logger.error(found, 'a log has signed two histories'),
  });
  const answer = composeWitness({ witness, clock: systemClock, logger, trustedProxies });
  return startServer({ ...place, answer, setting: '--listen' });
}

/** The name of a log's key is its origin (C2SP tlog-checkpoint). */
function logKey(vkey: string): VerifierKey {
  const key = asUsageError(() => parseVerifierKey(vkey), '--log');
  if (key.type !== ED25519_NOTE)
    throw new UsageError(`--log: ${vkey} is the key of a witness, not of a log.`);
  return key;
}

function placeOf({ listen, tlsCertificate, tlsKey }: RunOptions) {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(listen) ?? [];
  const address = bracketed ?? plain;
  if (address === undefined || Number(port) > 65_535) throw new UsageError('--listen is ip:port.');
  if ((tlsCertificate === undefined) !== (tlsKey === undefined)) {
    throw new UsageError('--tls-certificate and --tls-key belong together.');
  }
  const tls =
    tlsCertificate === undefined || tlsKey === undefined
      ? {}
      : { tls: { cert: readPem(tlsCertificate), key: readPem(tlsKey) } };
  return { address, port: Number(port), ...tls };
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UsageError(`The file ${path} cannot be read.`, { cause });
  }
}

function networkOf(text: string): Network {
  const network = parseNetwork(text);
  if (network === undefined) throw new UsageError(`--trusted-proxy: ${text} is not a network.`);
  return network;
}

function asUsageError<T>(work: () => T, option: string): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof CountersignError) throw new UsageError(`${option}: ${cause.detail}.`, { cause });
    throw cause;
  }
}
