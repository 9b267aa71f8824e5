import { readFile, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { type ReadLogFile, readBeginning } from '../../../client/log-tiles.ts';
import { CountersignError, isCountersignError } from '../../../protocol/errors.ts';
import { parseCheckpoint } from '../../../protocol/tlog/checkpoint.ts';
import { parseNote } from '../../../protocol/tlog/signed-note.ts';
import {
  type ComparedLog,
  compareCheckpoints,
  type SplitView,
  type VerifiedSplitView,
  verifySplitView,
} from '../../../protocol/tlog/split-view.ts';
import { boundedRequest } from '../../keylog/audit/bounded-fetch.ts';
import { checkEvidence } from '../../keylog/audit/check-evidence.ts';
import { readLogTrust, trustLogKey } from '../../keylog/audit/log-trust.ts';
import { systemClock } from '../../lib/clock.ts';
import { AUDIT_CHECKPOINT_BYTES, LOG_TILE_BYTES } from '../../lib/limits.ts';
import type { Outbound } from '../../lib/outbound.ts';
import { Alarm } from '../alarm.ts';
import { facts, printable, show } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

interface TrustOptions {
  readonly root?: string;
  readonly logKey?: string;
  readonly json?: boolean;
}

interface CompareOptions extends TrustOptions {
  readonly logUrl?: string;
  readonly evidence: string;
}

const ROOT = ['--root <thumbprint>', 'the bridge’s root key, as the organization tells it'] as const;
const LOG_KEY = ['--log-key <vkey>', 'the log’s key itself, in place of what the bridge publishes'] as const;

/** Behind `addLogCommands`: the group that they hang in is theirs. */
export function addLogCompareCommands(program: Command, terminal: Terminal): void {
  const log = program.commands.find((command) => command.name() === 'log') ?? program.command('log');
  log
    .command('compare')
    .description(
      'hold two checkpoints of one log side by side: whether they can be of one log that only grew',
    )
    .argument('<first>', 'a file, or the URL of a checkpoint')
    .argument('<second>', 'the same, from somebody else')
    .option('--log-url <url>', 'where the log’s tiles are read; by default where its name says')
    .option(...ROOT)
    .option(...LOG_KEY)
    .option('--evidence <file>', 'where the proof of a split view is written', 'split-view.json')
    .option('--json', 'answer as JSON')
    .action((first: string, second: string, options: CompareOptions) =>
      compare(terminal, [first, second], options),
    );
  log
    .command('verify-evidence')
    .description('check, without the log, a proof of a split view or what an audit’s alarm wrote')
    .argument('<file>')
    .option(...ROOT)
    .option(...LOG_KEY)
    .option('--json', 'answer as JSON')
    .action((file: string, options: TrustOptions) => judge(terminal, file, options));
}

async function compare(
  terminal: Terminal,
  named: readonly [string, string],
  options: CompareOptions,
): Promise<void> {
  const request = boundedRequest(terminal.fetch);
  const notes: [string, string] = [await readNote(request, named[0]), await readNote(request, named[1])];
  const origin = originOf(notes);
  const url = logUrlOf(origin, options);
  const log = await trustedLog(terminal, request, origin, options);
  const evidence = await findSplit(notes, log, request, url);
  if (evidence !== null) {
    await writeFile(options.evidence, `${JSON.stringify(evidence, null, 2)}\n`);
    const { sizes } = await verifySplitView(evidence);
    if (options.json) {
      terminal.out(JSON.stringify({ outcome: 'split', origin, sizes, evidence: options.evidence }, null, 2));
    }
    throw new Alarm(describeSplit(origin, sizes, options));
  }
  const sizes = notes.map((note) => parseCheckpoint(parseNote(note).text).size);
  const answer = { outcome: 'consistent', origin, sizes, root: log.root, logKeys: log.keys };
  show(terminal, options, answer, () =>
    facts({
      consistent: `${sizes.join(' and ')} entries of one log`,
      log: origin,
      root: log.root,
      'log key': log.keys,
    }),
  );
}

/**
 * Both against each other, and, where the log's own tiles are of another view than the larger one, both against the
 * checkpoint that it shows everybody: a fork that was shown to one of the two is not served any more.
 */
async function findSplit(
  notes: readonly [string, string],
  log: ComparedLog,
  request: Outbound['request'],
  url: string,
): Promise<SplitView | null> {
  const read = tilesAt(request, url);
  const between = (pair: readonly [string, string]) =>
    compareCheckpoints(pair, log, (older, newer) => readBeginning(read, older.size, newer.size));
  try {
    return await between(notes);
  } catch (error) {
    if (!isCountersignError(error, 'log_proof')) throw error;
    const shown = await readNote(request, `${url}checkpoint`);
    for (const note of notes) {
      const evidence = await between([note, shown]).catch((undecided: unknown) => {
        if (isCountersignError(undecided, 'log_proof')) return null;
        throw undecided;
      });
      if (evidence !== null) return evidence;
    }
    const reason = 'The log’s tiles show neither that these continue each other nor that they do not.';
    throw new CountersignError('log_proof', `${reason} (${error.detail})`, { cause: error });
  }
}

function tilesAt(request: Outbound['request'], url: string): ReadLogFile {
  return async (path) => {
    const { status, body } = await request(url + path, { maxBytes: LOG_TILE_BYTES });
    if (status === 404) return null;
    if (status !== 200)
      throw new CountersignError('outbound_failed', `${url}${path} answered with status ${status}.`);
    return body;
  };
}

async function readNote(request: Outbound['request'], named: string): Promise<string> {
  if (!/^https:\/\//.test(named)) {
    return readFile(named, 'utf8').catch((cause: unknown) => {
      throw new UsageError(`${named} cannot be read; name a file, or a URL with https.`, { cause });
    });
  }
  const { status, body } = await request(named, { maxBytes: AUDIT_CHECKPOINT_BYTES });
  if (status !== 200)
    throw new CountersignError('outbound_failed', `${named} answered with status ${status}.`);
  return new TextDecoder().decode(body);
}

/** Not verified: only to know whose keys are to be found. */
function originOf(notes: readonly string[]): string {
  const [first, second] = notes.map((note) => parseCheckpoint(parseNote(note).text).origin);
  if (first === undefined || first !== second) {
    throw new CountersignError('log_origin', `These are of two logs: ${printable(`${first} and ${second}`)}`);
  }
  return first;
}

function logUrlOf(origin: string, { logUrl }: CompareOptions): string {
  const url = logUrl ?? `https://${origin}`;
  if (!URL.canParse(url)) throw new UsageError('Say with --log-url where the log can be read.');
  return url.endsWith('/') ? url : `${url}/`;
}

async function trustedLog(
  terminal: Terminal,
  request: Outbound['request'],
  origin: string,
  { root, logKey }: TrustOptions,
): Promise<ComparedLog & { readonly root: string | null; readonly keys: string }> {
  const now = Math.floor(systemClock.now() / 1000);
  const pinned = { root, leastSerial: 0 };
  const trust =
    logKey === undefined
      ? await readLogTrust(request, `https://${origin.replace(/\/log$/, '')}`, pinned, now)
      : trustLogKey(logKey);
  if (trust.origin !== origin)
    throw new CountersignError('log_origin', `The key is of the log ${trust.origin}.`);
  if (trust.root !== null && root === undefined) {
    terminal.say(`trusting the root key ${trust.root}, which the bridge shows: compare it, or give --root`);
  }
  return {
    ...{
      origin,
      logKeys: trust.logKeys,
      root: trust.root,
      keys: trust.logKeys.map(({ name }) => name).join(' '),
    },
    ...(trust.onlineKeys === null ? {} : { onlineKeys: trust.onlineKeys }),
  };
}

function describeSplit(
  origin: string,
  sizes: readonly [number, number],
  { evidence, root }: CompareOptions,
): string {
  const [older, newer] = sizes;
  const what =
    older === newer
      ? `two different trees of ${newer} entries`
      : `a tree of ${newer} entries that does not begin with the one of ${older} that it signed too`;
  return [
    `SPLIT VIEW: the log ${printable(origin)} signed ${what}.`,
    `Keep ${evidence}; anybody can check it:`,
    `  countersign log verify-evidence ${evidence}${root === undefined ? '' : ` --root ${root}`}`,
  ].join('\n');
}

async function judge(terminal: Terminal, file: string, options: TrustOptions): Promise<void> {
  const value = await readJson(file);
  const { root, logKey } = options;
  if (isAudit(value)) {
    const trust = { ...(root === undefined ? {} : { root }), ...(logKey === undefined ? {} : { logKey }) };
    const { evidence, proven, ...known } = await checkEvidence(value, trust);
    const answer = { proven, finding: evidence.finding, root: known.root, logKeys: known.logKeys };
    const { meaning } = evidence.finding;
    const isCompared = root !== undefined || logKey !== undefined;
    const whose = isCompared ? '' : ` by whoever holds the log key ${known.logKeys.join(' ')}; compare it`;
    if (proven) {
      show(terminal, options, answer, () => printable(`PROVEN${whose}: ${meaning}`));
      return;
    }
    if (options.json) show(terminal, options, answer, () => '');
    throw new Alarm(printable(`NOT PROVEN by this file: ${meaning}`));
  }
  const trust = {
    ...(root === undefined ? {} : { root }),
    ...(logKey === undefined ? {} : { logKeys: [logKey] }),
  };
  const verified = await verifySplitView(value, trust);
  const compared = root !== undefined || logKey !== undefined;
  show(terminal, options, { proven: true, ...verified }, () => describeVerified(verified, compared));
}

function describeVerified({ origin, sizes, root, logKeys }: VerifiedSplitView, compared: boolean): string {
  const lines = facts({
    log: origin,
    trees: `${sizes[0]} and ${sizes[1]} entries`,
    root: root ?? 'none; compare the log key',
    'log key': logKeys.join(' '),
  });
  const last = 'PROVEN: whoever holds this key signed two trees that contradict each other.';
  return compared
    ? `${lines}\n${last}`
    : `${lines}\n${last}\nWhose key it is, compare: nobody was named with --root or --log-key.`;
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new UsageError(`${file} cannot be read, or is no JSON.`, { cause });
  }
}

function isAudit(value: unknown): boolean {
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
  return format === 'countersign-log-evidence/v1';
}
