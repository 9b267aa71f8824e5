import { createReadStream } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { type Readable, Writable } from 'node:stream';
import type { Command } from 'commander';
import * as z from 'zod';
import {
  type KeptEscrow,
  keptEscrowSchema,
  keptKeySchema,
  releasedReadingSchema,
} from '../../../protocol/escrow/kept-escrow.ts';
import { recoveryKeySchema, recoverySummarySchema } from '../../../protocol/escrow/organization-api.ts';
import { loadTransformEngine } from '../../../recrypt/load-node.ts';
import { newId } from '../../lib/ids.ts';
import { type ApiClient, openApi } from '../api-client.ts';
import { makeReaderKey, openReleased, readReaderFile } from '../escrow-reader.ts';
import { askPassphrase, writeOfficerFile } from '../officer-key.ts';
import { printable, show, table, when } from '../output.ts';
import { readAsset } from '../read-asset.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

interface Options {
  readonly json?: boolean;
}

const KEPT = '/admin/v1/kept-escrows';
const READING = '/admin/v1/recoveries';

/** What closed persons had escrowed to the organization: parts of `countersign recovery`. */
export function addKeptEscrowCommands(recovery: Command, terminal: Terminal): void {
  recovery
    .command('kept')
    .description('closed people whose escrow is still there, and until when')
    .option('--json', 'answer as JSON')
    .action(async (options: Options) => {
      const kept = await listKept(await openApi(terminal));
      show(terminal, options, { kept }, () => list(kept));
    });
  addRequestCommand(recovery, terminal);
  addReadCommand(recovery, terminal);
}

async function listKept(api: ApiClient): Promise<KeptEscrow[]> {
  return (await api.get(KEPT, z.object({ kept: z.array(keptEscrowSchema) }))).kept;
}

function addRequestCommand(recovery: Command, terminal: Terminal): void {
  recovery
    .command('request-reading')
    .argument('<id>', 'as `countersign recovery kept` shows it')
    .argument('<file>', 'where the key to read with is written; it must not exist')
    .requiredOption('--reason <text>', 'stands in the events, and before the two who decide')
    .description('ask two administrators to let you read what a closed person sealed to themselves')
    .option('--json', 'answer as JSON')
    .action(async (id: string, path: string, { reason, ...options }: Options & { reason: string }) => {
      const api = await openApi(terminal);
      const { iss } = await api.get(`/admin/v1/recovery-key`, recoveryKeySchema);
      const kept = (await listKept(api)).find((one) => one.id === id);
      if (kept === undefined) throw new UsageError(`Nothing is kept under ${id}.`);
      const engine = await loadTransformEngine();
      const { file, passphrase, fingerprint } = await makeReaderKey(engine, iss, kept);
      const { undo } = await writeOfficerFile(path, file);
      const body = { request_id: newId(), reader: file.reader, reason };
      const asked = await api
        .send('POST', `${KEPT}/${encodeURIComponent(id)}/readings`, recoverySummarySchema, body)
        .catch(async (error: unknown) => {
          await undo();
          throw error;
        });
      show(terminal, options, { ...asked, file: path, passphrase, fingerprint }, () =>
        [
          `Your key is in ${path}. Write down its passphrase; it is shown this once:`,
          passphrase,
          `Tell two administrators the reading ${asked.id} and, over another channel, its fingerprint: ${fingerprint}`,
        ].join('\n'),
      );
    });
}

interface ReadOptions extends Options {
  readonly file: string;
  readonly in: string;
  readonly out: string;
}

function addReadCommand(recovery: Command, terminal: Terminal): void {
  recovery
    .command('read')
    .argument('<id>', 'of the reading')
    .requiredOption('--file <file>', 'the key that you made with `countersign recovery request-reading`')
    .requiredOption('--in <asset>', 'a sealed asset that the person sealed to themselves')
    .requiredOption('--out <file>', 'where its content is written; it must not exist')
    .description('read an asset, once two administrators have approved')
    .option('--json', 'answer as JSON')
    .action(async (id: string, { file: path, in: from, out, ...options }: ReadOptions) => {
      const file = readReaderFile(path);
      const api = await openApi(terminal);
      const passphrase = await askPassphrase(terminal);
      const engine = await loadTransformEngine();
      const reading = `${READING}/${encodeURIComponent(id)}`;
      const released = await api.send('POST', `${reading}/opening`, releasedReadingSchema);
      const privateKey = await openReleased(engine, { file, passphrase }, released);
      try {
        const keyOf = (key_id: string) =>
          api.send('POST', `${reading}/key-openings`, keptKeySchema, { key_id });
        const content = await readAsset({ engine, privateKey, released, keyOf }, bytesOf(from));
        await writeNew(out, content);
      } finally {
        privateKey.fill(0);
      }
      show(
        terminal,
        options,
        { file: out, address: released.address },
        () => `Written to ${out}, as ${printable(released.address)} sealed it.`,
      );
    });
}

/** A new file for its owner alone. What does not come to its end was nobody's word, and does not stay. */
async function writeNew(path: string, content: ReadableStream<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await content.pipeTo(Writable.toWeb(file.createWriteStream()));
  } catch (error) {
    await unlink(path);
    throw error;
  }
}

function bytesOf(path: string): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(chunksOf(createReadStream(path)), { highWaterMark: 0 });
}

function chunksOf(file: Readable): UnderlyingDefaultSource<Uint8Array> {
  const chunks = file[Symbol.asyncIterator]();
  return {
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done === true) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
    async cancel() {
      file.destroy();
    },
  };
}

function list(kept: readonly KeptEscrow[]): string {
  return table(
    ['id', 'person', 'closed', 'kept until'],
    kept.map(({ id, address, closed, until }) => [id, address, when(closed), when(until)]),
    'Of no closed person anything is kept.',
  );
}
