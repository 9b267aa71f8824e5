import { once } from 'node:events';
import { open, rename, rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import type { Command } from 'commander';
import * as z from 'zod';
import { formatHashesLine, formatProofLine } from '../../../protocol/events/copied-line.ts';
import { EventCopy } from '../../../protocol/events/event-copy.ts';
import { type EventProof, eventProofSchema } from '../../../protocol/events/event-proof.ts';
import { verifyEventCopy } from '../../../protocol/events/verify-copy.ts';
import { sha256 } from '../../lib/hash.ts';
import { Alarm } from '../alarm.ts';
import { type ApiClient, openApi } from '../api-client.ts';
import { eventLogTrust, seqOf, sizeOfCheckpoint } from '../event-copy.ts';
import { createProgress } from '../progress.ts';
import { count } from '../quantities.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

interface Options {
  readonly from?: string;
  readonly to?: string;
}

const PAGE = 1_000;
const placeSchema = z.looseObject({ seq: z.int(), hash: z.string() });

export function addEventsExport(events: Command, terminal: Terminal): void {
  events
    .command('export')
    .description('write events to a file that `countersign events verify` proves without the bridge')
    .argument('<file>', 'the new file')
    .option('--from <seq>', 'the first event; by default the oldest that is kept')
    .option('--to <seq>', 'the last one; by default the newest that a signed checkpoint covers')
    .action((file: string, options: Options) => exportEvents(terminal, file, options));
}

async function exportEvents(terminal: Terminal, file: string, options: Options): Promise<void> {
  const api = await openApi(terminal);
  const { from, to } = await rangeOf(api, options);
  const proof = await api.get(`/v1/events/proof?from=${from}&to=${to}`, eventProofSchema);
  const copy = new EventCopy({ ...(await eventLogTrust(proof.online_keys, undefined)), sha256 });
  const unfinished = `${file}.part`;
  const progress = createProgress(terminal);
  try {
    const told = () => `${count(copy.lines)} lines, for ${count(to - from + 1)} events`;
    await writeLines(unfinished, exportLines(api, proof), async (line) => {
      await copy.add(line);
      progress.tell(told);
    });
    progress.end();
    await assertProven(copy, proof);
    await rename(unfinished, file);
  } catch (error) {
    progress.end();
    await rm(unfinished, { force: true });
    throw error;
  }
  terminal.out(`${file}: events ${from} to ${to} of ${proof.iss}, ${to - from + 1} in all, with their proof`);
  const range = `--from ${from} --to ${to}`;
  terminal.say(`Anybody can check it: countersign events verify ${file} --root THUMBPRINT ${range}`);
}

async function rangeOf(api: ApiClient, options: Options): Promise<{ from: number; to: number }> {
  const to =
    options.to === undefined
      ? sizeOfCheckpoint(await api.text('/v1/events/checkpoint'))
      : seqOf(options.to, '--to');
  const from = options.from === undefined ? await oldestKept(api) : seqOf(options.from, '--from');
  if (from > to) throw new UsageError(`There is nothing from ${from} to ${to}.`);
  return { from, to };
}

async function oldestKept(api: ApiClient): Promise<number> {
  const [oldest] = await pageOf(api, 0, 1);
  return oldest?.seq ?? 1;
}

interface ReadEvent {
  readonly seq: number;
  readonly hash: string;
  readonly line: string;
}

async function pageOf(api: ApiClient, since: number, limit: number): Promise<ReadEvent[]> {
  const text = await api.text(`/v1/events?since=${since}&limit=${limit}`);
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => ({ ...placeSchema.parse(JSON.parse(line)), line }));
}

async function* exportLines(api: ApiClient, proof: EventProof): AsyncGenerator<string, void> {
  yield formatProofLine(proof);
  for (let since = proof.from - 1; since < proof.to; ) {
    const page = await pageOf(api, since, Math.min(PAGE, proof.to - since));
    for (const { line } of page) yield line;
    if (page.length === 0) throw new Alarm(`The bridge does not answer event ${since + 1}.`);
    yield formatHashesLine(
      since + 1,
      page.map(({ hash }) => hash),
    );
    since += page.length;
  }
}

/** Readable only by its owner: events name people. */
async function writeLines(
  path: string,
  lines: AsyncIterable<string>,
  check: (line: string) => Promise<void>,
): Promise<void> {
  const file = (await open(path, 'w', 0o600)).createWriteStream();
  try {
    for await (const line of lines) {
      await check(line);
      if (!file.write(`${line}\n`)) await once(file, 'drain');
    }
  } finally {
    file.end();
    await finished(file);
  }
}

/** What was just read is held against what the bridge signed: an export that proves nothing is not written. */
async function assertProven(copy: EventCopy, proof: EventProof): Promise<void> {
  const { outcome } = await verifyEventCopy(copy, { expected: { from: proof.from, to: proof.to } });
  if (outcome === 'proven') return;
  throw new Alarm('The events that the bridge answers are not those that it signed. Nothing was written.');
}
