import type { Command } from 'commander';
import {
  type Client,
  createClient,
  createFileKeyStore,
  createFilePinStore,
  type KeyFinding,
  loadTransformEngine,
  type OwnKeyHistory,
  type VerificationPolicy,
} from '../../../client/index.ts';
import { isCountersignError } from '../../../protocol/errors.ts';
import { Alarm } from '../alarm.ts';
import { facts, printable, table, when } from '../output.ts';
import { stopSignal } from '../stop-signal.ts';
import type { Terminal } from '../terminal.ts';
import { readTrustPolicy } from '../trust-policy-file.ts';
import { UsageError } from '../usage-error.ts';

interface Options {
  readonly keys: string;
  readonly pins: string;
  readonly clientId: string;
  readonly root?: string;
  readonly policy?: string;
  readonly level?: string;
  readonly address?: string;
  readonly every?: string;
  readonly json?: boolean;
}

const LEVELS = ['signed', 'logged', 'witnessed', 'audited'] as const;
/** As long as bindings live. */
const MAX_AGE = 86_400;

/** Behind `addAuditCommands`: what it adds to is theirs. */
export function addAuditSelfCommand(program: Command, terminal: Terminal): void {
  const audit = program.commands.find((command) => command.name() === 'audit') ?? program.command('audit');
  audit
    .command('self')
    .description('look after your own keys: whether anybody added one that you did not make')
    .requiredOption('--keys <file>', 'the device’s keys, as your app’s file key store has them')
    .requiredOption('--pins <file>', 'what this device believes, as your app’s file pin store has it')
    .requiredOption('--client-id <id>', 'how the app is registered at the bridge')
    .option('--root <thumbprint>', 'the bridge’s root key, as the organization tells it')
    .option('--policy <file>', 'whom you trust to watch the log (C2SP policy; a group named auditors audits)')
    .option('--level <level>', `what your own key must reach: ${LEVELS.join(', ')}`, 'logged')
    .option('--address <address>', 'only this one of your addresses; all of them by default')
    .option('--every <seconds>', 'go on until interrupted: at each change, and so long after each look')
    .option('--json', 'answer as JSON, with --every one object a line')
    .action((options: Options) => auditSelf(terminal, options));
}

async function auditSelf(terminal: Terminal, options: Options): Promise<void> {
  const client = await openClient(terminal, options);
  if (options.every !== undefined) return monitor(terminal, client, options);
  const about = options.address === undefined ? {} : { address: options.address };
  const onFinding = (finding: KeyFinding) => terminal.say(describeFinding(finding));
  const findings = await client.checkOwnKeys({ ...about, onFinding });
  const history = findings.some(({ finding }) => finding !== 'unrecognized_version')
    ? null
    : await client.keyHistory(about).catch((error: unknown) => {
        // a bridge that falls silent now does not turn what was found into a bad line
        if (findings.length === 0 || !isCountersignError(error)) throw error;
        return null;
      });
  if (options.json) terminal.out(JSON.stringify({ findings: findings.map(shown), history }, null, 2));
  else if (history !== null) terminal.out([history, ...history.others].map(describe).join('\n\n'));
  if (findings.length > 0) throw alarmOf(findings.length);
}

async function monitor(terminal: Terminal, client: Client, options: Options): Promise<void> {
  if (!/^\d{1,6}$/.test(options.every ?? '')) throw new UsageError('--every is a number of seconds.');
  const stopped = new AbortController();
  void stopSignal().then(() => stopped.abort());
  let found = 0;
  await client.monitorOwnKeys({
    signal: stopped.signal,
    intervalSeconds: Number(options.every),
    ...(options.address === undefined ? {} : { address: options.address }),
    onFinding: (finding) => {
      found += 1;
      if (options.json) terminal.out(JSON.stringify(shown(finding)));
      else terminal.say(describeFinding(finding));
    },
  });
  if (found > 0) throw alarmOf(found);
}

/** Findings were said as they were found. */
function alarmOf(findings: number): Alarm {
  return new Alarm(`${findings} findings, said above; the bridge was told of each.`);
}

async function openClient(terminal: Terminal, options: Options): Promise<Client> {
  const keyStore = createFileKeyStore(options.keys);
  const secrets = await keyStore.load();
  if (secrets === null) throw new UsageError(`${options.keys} holds no keys: sign in with your app first.`);
  return createClient({
    ...{ issuer: secrets.issuer, clientId: options.clientId, keyStore },
    pinStore: createFilePinStore(options.pins),
    engine: await loadTransformEngine(),
    fetch: terminal.fetch,
    policy: await policyOf(options),
    ...(options.root === undefined ? {} : { ownRoot: options.root }),
  });
}

async function policyOf({ policy, level }: Options): Promise<VerificationPolicy> {
  const demanded = LEVELS.find((each) => each === level);
  if (demanded === undefined) throw new UsageError(`--level is one of ${LEVELS.join(', ')}.`);
  if (policy === undefined) return { level: demanded, maxAge: MAX_AGE };
  return { level: demanded, maxAge: MAX_AGE, log: await readTrustPolicy(policy) };
}

function describe({ address, versions, level, age, shortOf, epoch, epochTime }: OwnKeyHistory): string {
  const lines = facts({
    address,
    level: shortOf === null ? level : `${level} (${shortOf})`,
    age: `${age} s`,
    'as of': `epoch ${epoch}, ${when(epochTime)}`,
  });
  const rows = versions.map(({ statement, mark, logged, by, said }) => [
    String(statement.version),
    statement.status,
    mark,
    when(logged ?? statement.since),
    statement.reason ?? '',
    by === null ? '' : by.kind === 'administrator' ? (by.name ?? by.id) : by.kind,
    said ?? '',
  ]);
  return `${lines}\n${table(['version', 'status', 'keys', 'logged', 'why', 'by', 'said'], rows)}`;
}

function describeFinding({ finding, address, detail }: KeyFinding): string {
  return `FINDING ${finding} for ${printable(address)}: ${printable(detail)}`;
}

function shown({ version, ...finding }: KeyFinding): object {
  return { ...finding, version: version?.statement.version ?? null };
}
