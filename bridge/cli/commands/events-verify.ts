import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { splitHashes } from '../../../protocol/events/copied-line.ts';
import { EventCopy } from '../../../protocol/events/event-copy.ts';
import { eventProofSchema } from '../../../protocol/events/event-proof.ts';
import { type VerifyOptions, verifyEventCopy } from '../../../protocol/events/verify-copy.ts';
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
import { show } from '../output.ts';
import { createProgress, type Progress } from '../progress.ts';
import { count } from '../quantities.ts';
import { type CopiedSink, copiedSink, readSinkCopy } from '../sink-copy.ts';
import { explainAbsence, sinkCourse } from '../sink-course.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { reportView } from './copy-report-view.ts';

interface Options {
  readonly root?: string;
  readonly checkpoint?: string;
  readonly keys?: string;
  readonly bridge?: boolean;
  readonly sink?: string;
  readonly from?: string;
  readonly to?: string;
  readonly filtered?: boolean;
  readonly redacted?: boolean;
  readonly shortened?: boolean;
  readonly originals?: boolean;
  readonly json?: boolean;
}

export function addEventsVerify(events: Command, terminal: Terminal): void {
  events
    .command('verify')
    .description('prove that a copy of events is complete and unaltered, or say what is not')
    .argument('[files...]', 'an export, what a sink wrote, answers of GET /v1/events; .gz too')
    .option('--sink <name>', 'the copy of this sink, as the bridge reads it back (file, s3, elastic)')
    .option('--root <thumbprint>', 'the bridge’s root key, as the organization tells it')
    .option('--checkpoint <file>', 'a checkpoint that you kept: nothing counts then but what agrees with it')
    .option('--keys <file>', 'the bridge’s online keys (`online-keys+jwt`), where no file is an export')
    .option('--bridge', 'ask the bridge for the proof of these events, those it has pruned included')
    .option('--from <seq>', 'the event from which on all must be there')
    .option('--to <seq>', 'the event up to which all must be there')
    .option('--filtered', 'of a sink that does not get all events: what is missing is no fault')
    .option('--redacted', 'of a sink that takes personal data out: what its events say is not proven')
    .option('--shortened', 'of a syslog sink, which cuts long events: what these say is not proven')
    .option('--originals', 'of ocsf, ecs and cef nothing but the original in each line counts')
    .option('--json', 'answer as JSON')
    .action((files: string[], options: Options) => verify(terminal, files, options));
}

async function verify(terminal: Terminal, files: readonly string[], options: Options): Promise<void> {
  if ((files.length === 0) === (options.sink === undefined)) {
    throw new UsageError('Name the files to verify, or the sink by --sink.');
  }
  const api = options.bridge === true || options.sink !== undefined ? await openApi(terminal) : undefined;
  const sink =
    api === undefined || options.sink === undefined ? undefined : await copiedSink(api, options.sink);
  const trust = await trustOf(files, api, options);
  const progress = createProgress(terminal);
  const copy = new EventCopy({ ...trust, sha256 }, LINES);
  try {
    for (const file of files) await readEventFile(file, copy, progress);
    if (api !== undefined && sink !== undefined) await readSinkCopy(api, sink.name, copy, progress);
    assertEvents(copy, sink);
    if (api !== undefined) await askBridge(api, copy, progress);
  } finally {
    progress.end();
  }
  for (const words of sink === undefined ? [] : wordsOf(sink)) terminal.say(words);
  if (options.root === undefined) {
    terminal.say(
      `trusting the root key ${trust.root}, which ${api === undefined ? 'the copy' : 'the bridge'} shows: compare it, or give --root`,
    );
  }
  const kept = options.checkpoint === undefined ? {} : { checkpoints: [await readText(options.checkpoint)] };
  const filtered = options.filtered === true || sink?.filtered === true;
  const expected = expectedOf(options, sink);
  const how: VerifyOptions = {
    ...kept,
    redacted: options.redacted === true || sink?.redacted === true,
    shortened: options.shortened === true,
    originals: options.originals === true,
    expected,
  };
  const report =
    api === undefined || sink === undefined || filtered
      ? await verifyEventCopy(copy, { ...how, filtered })
      : await explainAbsence(
          (lenient) => verifyEventCopy(copy, { ...how, filtered: lenient }),
          await sinkCourse(api, sink.id),
          expected.from,
        );
  const answer = { ...report, log: trust.origin, root: trust.root };
  if (report.outcome === 'proven' || report.outcome === 'partly') {
    show(terminal, options, answer, () => reportView(report, trust));
    return;
  }
  if (options.json === true) terminal.out(JSON.stringify(answer, null, 2));
  throw new Alarm(reportView(report, trust));
}

/** A sink without a filter must have all up to where it stood before it was read. */
function expectedOf(
  { from, to, filtered }: Options,
  sink: CopiedSink | undefined,
): { from?: number; to?: number } {
  const settled = sink === undefined || sink.filtered || filtered === true ? 0 : sink.settled;
  return {
    ...(from === undefined ? {} : { from: seqOf(from, '--from') }),
    ...(to === undefined ? (settled > 0 ? { to: settled } : {}) : { to: seqOf(to, '--to') }),
  };
}

/** A copy without an event is a fault where the receiver took some: somebody emptied it. */
function assertEvents({ range, lines }: EventCopy, sink: CopiedSink | undefined): void {
  if (range !== undefined) return;
  if (sink === undefined) throw new UsageError('There is no event in this copy.');
  if (!sink.whole && lines > 0) {
    throw new UsageError(
      'There is no event in this copy that can be proven: its format holds a part of each. Give the sink --original.',
    );
  }
  if (sink.delivered === 0) throw new UsageError('There is no event in this copy: none was delivered yet.');
  throw new Alarm(
    `NOT AS IT WAS SIGNED: there is no event in this copy, and the receiver took ${count(sink.delivered)}.`,
  );
}

/** What stands in the answer on the word of the bridge alone. */
function wordsOf({ name, filtered, redacted, settled }: CopiedSink): string[] {
  return [
    `${name}: read by the bridge, which says that it has everything up to event ${settled}; to do without its word, fetch the copy yourself`,
    ...(filtered ? [`${name}: does not get all events, so what is missing is no fault`] : []),
    ...(redacted ? [`${name}: personal data is taken out, so what its events say is not proven`] : []),
  ];
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
  if (range === undefined) return;
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
