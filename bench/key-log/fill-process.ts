import { randomFillSync } from 'node:crypto';
import { createPrefixReplay } from '../../bridge/keylog/audit/prefix-replay.ts';
import { addLeaves, type MapLeaf } from '../../bridge/keylog/map-pages.ts';
import { MapStore } from '../../bridge/keylog/map-store.ts';
import { inStatements } from '../../bridge/keylog/statement-sizes.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { EPOCH_VERSIONS } from '../../bridge/lib/limits.ts';
import type { Database, Transaction } from '../../bridge/storage/database.ts';
import { openSqlite } from '../../bridge/storage/sqlite/open.ts';
import type { LogEpochsTable } from '../../bridge/storage/tables/keylog.ts';
import { insertCheckpoint } from '../../bridge/tlog/checkpoint-store.ts';
import { moveHead, takeHead } from '../../bridge/tlog/log-heads.ts';
import { appendEntries, EMPTY_LOG } from '../../bridge/tlog/log-tree.ts';
import { encodeLogEntry } from '../../protocol/keytrans/log-entry.ts';
import { answerParent } from '../processes/child.ts';

/**
 * Fills a log with versions of nobody: outputs and commitments are random, which is what those of people look like.
 * Epochs are as full as the engine makes them, and what is stored is what it would have stored and kept.
 */
let database: Database | undefined;
let leaves: MapLeaf[] = [];
let epochs: LogEpochsTable[] = [];

/** Entries that one transaction takes: some thousand rows. */
const APPENDED = 256 * EPOCH_VERSIONS;
const EPOCH_MS = 250;

const handlers = {
  /** Makes the leaves of a log of so many entries, and the root of the map at each epoch. */
  make: (entries: number) => {
    const count = Math.floor(((entries - 1) * EPOCH_VERSIONS) / (EPOCH_VERSIONS + 1));
    leaves = randomLeaves(count);
    epochs = epochsOf(leaves);
  },
  /** Stores the entries and the tree over them. */
  storeTree: async ({ path, vrfPublicKey }: { path: string; vrfPublicKey: Uint8Array }) => {
    database = await openSqlite({ path, clock: systemClock });
    const open = database;
    const start = encodeLogEntry({ kind: 'start', vrfPublicKey });
    for (const entries of appended(start)) await open.transaction((tx) => append(tx, entries));
  },
  /** Stores the map of the last epoch, from which the log goes on. */
  storeMap: async () => {
    await database?.transaction(storeLastEpoch);
    await database?.close();
  },
};
export type FillProcess = typeof handlers;

function randomLeaves(count: number): MapLeaf[] {
  const made: MapLeaf[] = [];
  const block = 2 ** 16;
  while (made.length < count) {
    const bytes = randomFillSync(new Uint8Array(64 * Math.min(block, count - made.length)));
    for (let at = 0; at < bytes.length; at += 64) {
      made.push({ output: bytes.subarray(at, at + 32), commitment: bytes.subarray(at + 32, at + 64) });
    }
  }
  return made;
}

function epochsOf(all: readonly MapLeaf[]): LogEpochsTable[] {
  const tree = createPrefixReplay();
  const made: LogEpochsTable[] = [];
  const count = Math.ceil(all.length / EPOCH_VERSIONS);
  const first = systemClock.now() - (count + 1) * EPOCH_MS;
  for (let epoch = 1; epoch <= count; epoch += 1) {
    for (const { output, commitment } of leavesOf(epoch)) tree.add(output, commitment);
    made.push({
      ...{ epoch, time_ms: first + epoch * EPOCH_MS, leaves: tree.leaves, prefix_root: tree.root() },
      ...{ size: 1 + tree.leaves + epoch, pages_kept: epoch === count ? 1 : 0 },
    });
  }
  return made;
}

function leavesOf(epoch: number): MapLeaf[] {
  return leaves.slice((epoch - 1) * EPOCH_VERSIONS, epoch * EPOCH_VERSIONS);
}

/** All entries in their order, in parts. */
function* appended(start: Uint8Array): Generator<Uint8Array[]> {
  let entries = [start];
  for (const { epoch, time_ms: time, leaves: count, prefix_root: prefixRoot } of epochs) {
    for (const leaf of leavesOf(epoch)) entries.push(encodeLogEntry({ kind: 'version', ...leaf }));
    entries.push(encodeLogEntry({ kind: 'epoch', epoch, time, leaves: count, prefixRoot }));
    if (entries.length < APPENDED) continue;
    yield entries;
    entries = [];
  }
  yield entries;
}

async function append(tx: Transaction, entries: readonly Uint8Array[]): Promise<void> {
  const head = await takeHead(tx, 'keys', EMPTY_LOG);
  await moveHead(tx, 'keys', head, await appendEntries(tx, 'keys', head, entries));
}

async function storeLastEpoch(tx: Transaction): Promise<void> {
  const last = epochs.at(-1);
  if (last === undefined) return;
  const { epoch, time_ms } = last;
  await new MapStore(1).write(
    tx,
    epoch,
    new Map(),
    addLeaves(() => undefined, leaves),
  );
  for (const rows of inStatements(epochs)) await tx.insertInto('log_epochs').values(rows).execute();
  const { size, hash: root } = await takeHead(tx, 'keys', EMPTY_LOG);
  await insertCheckpoint(tx, { log: 'keys', size, root, epoch, time_ms });
}

answerParent(handlers);
