import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { splitHashes } from '../../../protocol/events/copied-line.ts';
import { EventCopy } from '../../../protocol/events/event-copy.ts';
import { eventProofSchema } from '../../../protocol/events/event-proof.ts';
import { type CopyReport, type SeqRange, verifyEventCopy } from '../../../protocol/events/verify-copy.ts';
import { sha256 } from '../../lib/hash.ts';
import { EVENT_HASHES } from '../../lib/limits.ts';
import { Alarm } from '../alarm.ts';
import { type ApiClient, openApi } from '../api-client.ts';
import {
  type EventLogTrust,
  eventLogTrust,
  keysInFiles,
  LINES,
  readEventFile,
  seqOf,
  sizeOfCheckpoint,
} from '../event-copy.ts';
import { facts, show } from '../output.ts';
import { createProgress, type Progress } from '../progress.ts';
import { count } from '../quantities.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

interface Options {
  readonly root?: string;
  readonly checkpoint?: string;
  readonly keys?: string;
  readonly bridge?: boolean;
  readonly from?: string;
  readonly to?: string;
  readonly filtered?: boolean;
  readonly redacted?: boolean;
  readonly originals?: boolean;
  readonly json?: boolean;
}

export function addEventsVerify(events: Command, terminal: Terminal): void {
  events
    .command('verify')
    .description('prove that a copy of events is complete and unaltered, or say what is not')
    .argument('<files...>', 'an export, what a file sink wrote, answers of GET /v1/events; .gz too')
    .option('--root <thumbprint>', 'the bridge’s root key, as the organization tells it')
    .option('--checkpoint <file>', 'a checkpoint that you kept: nothing counts then but what agrees with it')
    .option('--keys <file>', 'the bridge’s online keys (`online-keys+jwt`), where no file is an export')
    .option('--bridge', 'ask the bridge for the proof of these events, those it has pruned included')
    .option('--from <seq>', 'the event from which on all must be there')
    .option('--to <seq>', 'the event up to which all must be there')
    .option('--filtered', 'of a sink that does not get all events: what is missing is no fault')
    .option('--redacted', 'of a sink that takes personal data out: what its events say is not proven')
    .option('--originals', 'of ocsf, ecs and cef nothing but the original in each line counts')
    .option('--json', 'answer as JSON')
    .action((files: string[], options: Options) => verify(terminal, files, options));
}

async function verify(terminal: Terminal, files: readonly string[], options: Options): Promise<void> {
  const api = options.bridge === true ? await openApi(terminal) : undefined;
  const trust = await trustOf(files, api, options);
  const progress = createProgress(terminal);
  const copy = new EventCopy({ ...trust, sha256 }, LINES);
  for (const file of files) await readEventFile(file, copy, progress);
  if (api !== undefined) await askBridge(api, copy, progress);
  progress.end();
  if (options.root === undefined) {
    terminal.say(`trusting the root key ${trust.root}, which the copy shows: compare it, or give --root`);
  }
  const kept = options.checkpoint === undefined ? {} : { checkpoints: [await readText(options.checkpoint)] };
  const report = await verifyEventCopy(copy, {
    ...kept,
    filtered: options.filtered === true,
    redacted: options.redacted === true,
    originals: options.originals === true,
    expected: expectedOf(options),
  });
  const answer = { ...report, log: trust.origin, root: trust.root };
  if (report.outcome === 'proven' || report.outcome === 'partly') {
    show(terminal, options, answer, () => describe(report, trust));
    return;
  }
  if (options.json === true) terminal.out(JSON.stringify(answer, null, 2));
  throw new Alarm(describe(report, trust));
}

function expectedOf({ from, to }: Options): { from?: number; to?: number } {
  return {
    ...(from === undefined ? {} : { from: seqOf(from, '--from') }),
    ...(to === undefined ? {} : { to: seqOf(to, '--to') }),
  };
}

async function trustOf(
  files: readonly string[],
  api: ApiClient | undefined,
  { keys, root }: Options,
): Promise<EventLogTrust> {
  const token = keys === undefined ? await shownKeys(files, api) : (await readText(keys)).trim();
  if (token === undefined) {
    throw new UsageError(
      'Whose signature counts is not known: none of the files is an export, which brings the keys. Give --keys with ' +
        'the bridge’s online keys, or --bridge to ask it.',
    );
  }
  return eventLogTrust(token, root);
}

async function shownKeys(files: readonly string[], api: ApiClient | undefined): Promise<string | undefined> {
  if (api === undefined) return keysInFiles(files);
  return (await api.get('/v1/events/proof?from=1&to=1', eventProofSchema)).online_keys;
}

/** The proof of the whole range of the copy, as far as the bridge has signed it, and the hashes of its events. */
async function askBridge(api: ApiClient, copy: EventCopy, progress: Progress): Promise<void> {
  const { range } = copy;
  if (range === undefined) throw new UsageError('There is no event in these files.');
  const covered = sizeOfCheckpoint(await api.text('/v1/events/checkpoint'));
  const to = Math.min(range.to, covered);
  // of what no checkpoint covers there is no proof
  if (range.from > to) return;
  await copy.addProof(await api.get(`/v1/events/proof?from=${range.from}&to=${to}`, eventProofSchema));
  for (let from = range.from; from <= to; from += EVENT_HASHES) {
    const end = Math.min(to, from + EVENT_HASHES - 1);
    copy.addHashes(from, splitHashes(await api.bytes(`/v1/events/hashes?from=${from}&to=${end}`)));
    progress.tell(() => `hashes up to ${count(end)} of ${count(to)}`);
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new UsageError(`${path} cannot be read.`, { cause });
  }
}

const VERDICTS = {
  proven: 'PROVEN: every event from the first to the last is there, as it was signed.',
  partly: 'NOTHING IS WRONG, and not everything is proven: see below.',
  unproven:
    'NOT PROVEN: nothing is wrong by itself, but nothing that was signed says that these are the events.',
  refuted: 'NOT AS IT WAS SIGNED: these events were tampered with, or the copy is damaged.',
} as const;

function describe(report: CopyReport, { origin, root }: EventLogTrust): string {
  const { range, proven, redacted, covered } = report;
  const lines = facts({
    'event log': origin,
    'root key': root,
    events: range === null ? 'none' : `${range.from} to ${range.to}`,
    proven: `${proven}, content and place`,
    redacted:
      redacted === 0
        ? null
        : `${redacted}, of which place and hash are proven and the content cannot be (say --redacted for a sink that does so)`,
    altered: ranges(report.altered),
    missing: ranges(report.missing),
    added: ranges(report.added, 'there twice, with different content'),
    contradicted: ranges(
      report.contradicted,
      'linked anew: at least one of them was altered, added or left out',
    ),
    'not proven': ranges(report.unproven, 'they fit together, and no checkpoint here says more'),
    unreadable: lineNumbers(report.unreadable),
    'said beside': lineNumbers(
      report.beside,
      'only the original in them can be proven; say --originals where another version or a pipeline wrote the rest',
    ),
    'sent as tests':
      report.tests === 0 ? null : `${report.tests}, which stand in no log: nothing is said of them`,
    forked:
      report.forked.length === 0
        ? null
        : `different checkpoints were signed for the events up to ${report.forked.slice(0, RANGES_NAMED).join(', ')}`,
    checkpoint: `the newest verified one covers the events up to ${covered}`,
    'behind the end':
      range === null || range.to >= covered
        ? null
        : `there are events up to ${covered}; say by --to how far this copy must go`,
  });
  return `${VERDICTS[report.outcome]}\n${lines}`;
}

const RANGES_NAMED = 20;

function lineNumbers(lines: readonly number[], meaning?: string): string | null {
  if (lines.length === 0) return null;
  const more = lines.length > RANGES_NAMED ? ` and ${count(lines.length - RANGES_NAMED)} more` : '';
  return `lines ${lines.slice(0, RANGES_NAMED).join(', ')}${more}${meaning === undefined ? '' : ` (${meaning})`}`;
}

function ranges(found: readonly SeqRange[], meaning?: string): string | null {
  if (found.length === 0) return null;
  const named = found
    .slice(0, RANGES_NAMED)
    .map(({ from, to }) => (from === to ? `${from}` : `${from} to ${to}`));
  const more = found.length > RANGES_NAMED ? ` and ${found.length - RANGES_NAMED} more ranges` : '';
  return `${named.join(', ')}${more}${meaning === undefined ? '' : ` (${meaning})`}`;
}
