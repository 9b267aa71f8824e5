import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CountersignError } from '../../../protocol/errors.ts';
import { parseCheckpoint } from '../../../protocol/tlog/checkpoint.ts';
import { parseNote } from '../../../protocol/tlog/signed-note.ts';
import { TILE_WIDTH } from '../../../protocol/tlog/tile.ts';
import { AUDIT_LOG_ENTRIES } from '../../lib/limits.ts';
import type { Outbound } from '../../lib/outbound.ts';
import { LogViolation } from '../audit/finding.ts';
import { createLogSource } from '../audit/log-source.ts';
import { hasCode } from '../audit/state-folder.ts';
import { stateRecordSchema } from '../audit/state-record.ts';

/** What somebody else kept of a key log: a checkpoint and the entries below it. Nothing of it is verified here. */
export interface LogCopy {
  /** Where it is, for people. */
  readonly place: string;
  /** The note of its newest checkpoint. */
  readonly note: string;
  /** The entries below it in their order, in parts. */
  entries(): AsyncIterable<readonly Uint8Array[]>;
}

/**
 * Opens a copy: an auditor's folder (`countersign audit`), a folder with the files of C2SP tlog-tiles (`checkpoint`,
 * `tile/entries/…`), or the URL of either's like, a mirror. Whoever keeps it may lie in all of it.
 *
 * Throws `state_refused` for what is none, and what `request` throws.
 */
export async function openLogCopy(from: string, request: Outbound['request']): Promise<LogCopy> {
  if (/^https?:\/\//.test(from)) return openTiles(from, request);
  if (await isThere(join(from, 'audit.json'))) return openAuditorsCopy(from);
  if (await isThere(join(from, 'checkpoint'))) return openTiles(from, readingFiles);
  throw refused(
    `${from} is no copy of a key log: neither an auditor’s folder (audit.json) nor tiles (checkpoint).`,
  );
}

async function openTiles(place: string, request: Outbound['request']): Promise<LogCopy> {
  const source = createLogSource(request, `${place.replace(/\/+$/, '')}/`);
  const note = await source.checkpoint();
  const { size } = parseCheckpoint(parseNote(note).text);
  assertBounded(size);
  return {
    ...{ place, note },
    async *entries() {
      for (let index = 0; index * TILE_WIDTH < size; index++) {
        yield await bundleOf(source, index, Math.min(TILE_WIDTH, size - index * TILE_WIDTH));
      }
    },
  };
}

async function bundleOf(
  source: ReturnType<typeof createLogSource>,
  index: number,
  width: number,
): Promise<Uint8Array[]> {
  try {
    return await source.entries(index, width);
  } catch (error) {
    if (error instanceof LogViolation) throw refused(`The copy is damaged: ${error.message}.`, error);
    throw error;
  }
}

/** As a server of static files answers. */
const readingFiles: Outbound['request'] = async (path) => {
  try {
    return { status: 200, headers: new Headers(), body: await readFile(path) };
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { status: 404, headers: new Headers(), body: new Uint8Array() };
    throw error;
  }
};

/** The auditor may run on meanwhile: its entries only grow, and the record says how many of them were verified. */
async function openAuditorsCopy(place: string): Promise<LogCopy> {
  const record = stateRecordSchema.safeParse(await readJson(join(place, 'audit.json')));
  if (!record.success)
    throw refused(`${join(place, 'audit.json')} is not as this version writes it.`, record.error);
  const { verified } = record.data;
  if (verified === null) throw refused(`The auditor of ${place} has verified nothing yet.`);
  assertBounded(verified.size);
  return {
    ...{ place, note: verified.note },
    async *entries() {
      const bytes = await readFile(join(place, 'entries'));
      yield* wholeEntries(bytes, verified.size);
    },
  };
}

/** The first `count` entries, each behind its length of 16 bits. */
function* wholeEntries(bytes: Buffer, count: number): Generator<Uint8Array[]> {
  let offset = 0;
  for (let taken = 0; taken < count; ) {
    const part: Uint8Array[] = [];
    for (; part.length < TILE_WIDTH && taken < count; taken++) {
      const end = offset + 2 > bytes.length ? Number.NaN : offset + 2 + bytes.readUInt16BE(offset);
      if (!(end <= bytes.length))
        throw refused(`The copy is damaged: it ends after ${taken} of ${count} entries.`);
      part.push(bytes.subarray(offset + 2, end));
      offset = end;
    }
    yield part;
  }
}

function assertBounded(size: number): void {
  if (size > AUDIT_LOG_ENTRIES)
    throw refused(`The copy says that it has ${size} entries, more than are read.`);
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw refused(`${path} cannot be read.`, cause);
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

function refused(detail: string, cause?: unknown): CountersignError {
  return new CountersignError('state_refused', detail, { cause });
}
