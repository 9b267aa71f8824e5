import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventBody } from '../../bridge/events/event.ts';
import { stageEvents } from '../../bridge/events/event-store.ts';
import { newId } from '../../bridge/lib/ids.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import type { Signer } from '../../bridge/signer/signer.ts';
import type { Database, Query, Transaction } from '../../bridge/storage/database.ts';
import { insertCheckpoint, newestCheckpoint } from '../../bridge/tlog/checkpoint-store.ts';
import { type Checkpoints, type CheckpointsDeps, createCheckpoints } from '../../bridge/tlog/checkpoints.ts';
import { createHeadFile, type HeadFile } from '../../bridge/tlog/head-file.ts';
import { type LogHead, readHead } from '../../bridge/tlog/log-heads.ts';
import { appendEntries, EMPTY_LOG, readEntryBundle, rootAt } from '../../bridge/tlog/log-tree.ts';
import { currentLogKey } from '../../bridge/tlog/note-signer.ts';
import { createSequencer, type SequencedLog, type Sequencer } from '../../bridge/tlog/sequencer.ts';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { utf8 } from '../../protocol/bytes.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { logOrigin, openCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { decodeEntryBundle, tileWidth } from '../../protocol/tlog/tile.ts';
import { closed } from '../events/events-fixture.ts';
import { ISS, movableClock, type SignerFixture, signerFixture } from '../signer/signer-fixture.ts';
import { naiveRoot } from './tree-fixture.ts';

export const ORIGIN = logOrigin(ISS);
/** It stands still: epochs add to it. */
const CLOCK = movableClock();
export const quiet = createLogger({ level: 'silent' });

export interface StagedRow {
  readonly event_id: string;
}

async function stagedRows(query: Query, limit: number): Promise<StagedRow[]> {
  const staged = query.selectFrom('events').select('event_id').where('seq', 'is', null);
  return staged.orderBy('event_id').limit(limit).execute();
}

async function placeRows(tx: Transaction, rows: readonly StagedRow[], head: LogHead): Promise<void> {
  for (const [index, { event_id }] of rows.entries()) {
    const place = { seq: head.size + index + 1, prev: '', hash: '' };
    const update = tx.updateTable('events').set(place).where('event_id', '=', event_id);
    const { numUpdatedRows } = await update.where('seq', 'is', null).executeTakeFirstOrThrow();
    if (numUpdatedRows !== 1n) throw new CountersignError('conflict');
  }
}

/** What one process has of the log. */
export interface OpenLog {
  readonly database: Database;
  readonly sequencer: Sequencer<StagedRow>;
  readonly checkpoints: Checkpoints;
}

export interface LogChanges extends Partial<Omit<CheckpointsDeps, 'log' | 'origin'>> {
  readonly log?: Partial<SequencedLog<StagedRow>>;
  /** Left as it is, as a killed process is, and not stopped at the end. */
  readonly abandoned?: boolean;
}

export interface TlogFixture extends SignerFixture {
  readonly signer: Signer;
  readonly headFilePath: string;
  readonly headFile: HeadFile;
  /** A process on the store; another handle, wrapped or not, may be given. */
  openLog(changes?: LogChanges): OpenLog;
  stage(...subs: string[]): Promise<void>;
  remove(): Promise<void>;
}

/** The log as one process has it. */
export function openLogOn({
  log,
  ...deps
}: Omit<CheckpointsDeps, 'log' | 'origin' | 'logger'> & Pick<LogChanges, 'log'>): OpenLog {
  const checkpoints = createCheckpoints({ ...deps, logger: quiet, log: 'keys', origin: ORIGIN });
  const sequencer = createSequencer<StagedRow>(
    { ...deps, logger: quiet },
    {
      ...{ log: 'keys', genesis: EMPTY_LOG, staged: stagedRows },
      prepare: async (rows) => rows,
      place: (tx, rows, head) => closeEpoch(tx, rows, head, CLOCK.now()),
      publish: () => checkpoints.publish(),
      ...log,
    },
  );
  return { database: deps.database, sequencer, checkpoints };
}

export async function stageOn(database: Database, subs: readonly string[]): Promise<void> {
  const bodies = subs.map((sub) => eventBody(closed(sub), newId(), CLOCK.now()));
  await database.transaction((tx) => stageEvents(tx, bodies));
}

/** A log whose entries are the ids of events, each batch closed by an epoch of its own, as the key log does it. */
export async function tlogFixture(): Promise<TlogFixture> {
  const fixture = await signerFixture();
  const folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
  const headFilePath = join(folder, 'log-head.json');
  const headFile = createHeadFile(headFilePath);
  const signer = await fixture.open();
  const logs: OpenLog[] = [];
  return {
    ...fixture,
    signer,
    headFilePath,
    headFile,
    openLog({ abandoned = false, ...changes } = {}) {
      const opened = openLogOn({ database: fixture.store.database, signer, headFile, ...changes });
      if (!abandoned) logs.push(opened);
      return opened;
    },
    stage: (...subs) => stageOn(fixture.store.database, subs),
    async remove() {
      await Promise.all(logs.map(({ sequencer }) => sequencer.stop()));
      await fixture.store.remove();
      await rm(folder, { recursive: true });
    },
  };
}

export async function closeEpoch(
  tx: Transaction,
  rows: readonly StagedRow[],
  head: LogHead,
  now: number,
): Promise<LogHead> {
  const last = await newestCheckpoint(tx, 'keys');
  const epoch = (last?.epoch ?? 0) + 1;
  await placeRows(tx, rows, head);
  const entries = [...rows.map((row) => utf8(row.event_id)), utf8(`epoch ${epoch}`)];
  const grown = await appendEntries(tx, 'keys', head, entries);
  const { size, hash: root } = grown;
  await insertCheckpoint(tx, { log: 'keys', size, root, epoch, time_ms: now + epoch });
  return grown;
}

export interface WholeLog {
  readonly size: number;
  readonly entries: readonly string[];
  readonly published: number | undefined;
}

/**
 * Reads the whole log and holds every part against the others: entries, tree, head, checkpoints, signatures, head
 * file. Throws where two of them do not fit.
 */
export async function checkLog({ store, signer, headFile }: TlogFixture): Promise<WholeLog> {
  return store.database.transaction(async (tx) => {
    const head = (await readHead(tx, 'keys')) ?? { size: 0, hash: EMPTY_LOG };
    const entries: Uint8Array[] = [];
    for (let index = 0; entries.length < head.size; index++) {
      const bundle = await readEntryBundle(tx, 'keys', index, tileWidth('entries', index, head.size));
      if (bundle === undefined) throw new Error(`bundle ${index} is missing`);
      entries.push(...decodeEntryBundle(bundle));
    }
    const checkpoints = await tx.selectFrom('log_checkpoints').selectAll().orderBy('size').execute();
    if ((checkpoints.at(-1)?.size ?? 0) !== head.size) throw new Error('the head has no checkpoint');
    let published: number | undefined;
    for (const [index, { size, root, epoch, log_signature: line }] of checkpoints.entries()) {
      const expected = encodeBase64url(naiveRoot(entries.slice(0, size)));
      const stored = encodeBase64url(await rootAt(tx, 'keys', size));
      if (root !== expected || stored !== expected) throw new Error(`the root at ${size} is another`);
      if (epoch !== index + 1) throw new Error(`epoch ${epoch} is not the next`);
      if (line === null) continue;
      const text = `${ORIGIN}\n${size}\n${Buffer.from(expected, 'base64url').toString('base64')}\n`;
      await openCheckpoint(`${text}\n${line}`, { origin: ORIGIN, logKeys: [currentLogKey(signer, ORIGIN)] });
      published = size;
    }
    const kept = await headFile.read();
    if ((kept?.size ?? 0) < (published ?? 0)) throw new Error('a checkpoint was signed before the head file');
    const rows = await tx.selectFrom('events').select('event_id').where('seq', 'is not', null).execute();
    const texts = entries.map((entry) => new TextDecoder().decode(entry));
    const ids = texts.filter((text) => !text.startsWith('epoch '));
    if (JSON.stringify(ids.toSorted()) !== JSON.stringify(rows.map((row) => row.event_id).toSorted())) {
      throw new Error('entries and placed rows differ');
    }
    return { size: head.size, entries: texts, published };
  });
}
