import { randomFillSync } from 'node:crypto';
import { createPrefixReplay } from '../../bridge/keylog/audit/prefix-replay.ts';
import { addLeaves, type MapLeaf } from '../../bridge/keylog/map-pages.ts';
import { MapStore } from '../../bridge/keylog/map-store.ts';
import { inStatements } from '../../bridge/keylog/statement-sizes.ts';
import { EPOCH_VERSIONS } from '../../bridge/lib/limits.ts';
import type { Database, Transaction } from '../../bridge/storage/database.ts';
import type { LogEpochsTable } from '../../bridge/storage/tables/keylog.ts';
import { insertCheckpoint } from '../../bridge/tlog/checkpoint-store.ts';
import { moveHead, takeHead } from '../../bridge/tlog/log-heads.ts';
import { appendEntries, EMPTY_LOG } from '../../bridge/tlog/log-tree.ts';
import { encodeLogEntry } from '../../protocol/keytrans/log-entry.ts';

/** Entries that one transaction takes: some thousand rows. */
const APPENDED = 256 * EPOCH_VERSIONS;
const EPOCH_MS = 250;

/** The content of a log, without its first entry. */
export interface Filling {
  readonly leaves: readonly MapLeaf[];
  readonly epochs: readonly LogEpochsTable[];
}

/**
 * Versions of nobody for a log of so many entries: outputs and commitments are random, which is what those of people
 * look like. Epochs are as full as the engine makes them; the last one closed at `until`, ms.
 */
export function makeFilling(entries: number, until: number): Filling {
  const count = Math.floor(((entries - 1) * EPOCH_VERSIONS) / (EPOCH_VERSIONS + 1));
  const leaves = randomLeaves(count);
  return { leaves, epochs: epochsOf(leaves, until) };
}

/** Stores the entries and the tree over them in a log that has not begun. */
export async function storeTree(
  database: Database,
  filling: Filling,
  vrfPublicKey: Uint8Array,
): Promise<void> {
  const start = encodeLogEntry({ kind: 'start', vrfPublicKey });
  for (const entries of inParts(filling, start)) await database.transaction((tx) => append(tx, entries));
}

/** Stores the map of the last epoch, from which the log goes on: what the engine would have kept of all that it wrote. */
export function storeMap(database: Database, { leaves, epochs }: Filling): Promise<void> {
  return database.transaction(async (tx) => {
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
  });
}

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

function epochsOf(all: readonly MapLeaf[], until: number): LogEpochsTable[] {
  const tree = createPrefixReplay();
  const made: LogEpochsTable[] = [];
  const count = Math.ceil(all.length / EPOCH_VERSIONS);
  for (let epoch = 1; epoch <= count; epoch += 1) {
    for (const { output, commitment } of leavesOf(all, epoch)) tree.add(output, commitment);
    made.push({
      ...{ epoch, time_ms: until - (count - epoch) * EPOCH_MS },
      ...{ leaves: tree.leaves, prefix_root: tree.root() },
      ...{ size: 1 + tree.leaves + epoch, pages_kept: epoch === count ? 1 : 0 },
    });
  }
  return made;
}

function leavesOf(all: readonly MapLeaf[], epoch: number): MapLeaf[] {
  return all.slice((epoch - 1) * EPOCH_VERSIONS, epoch * EPOCH_VERSIONS);
}

/** All entries in their order, in parts. */
function* inParts({ leaves: all, epochs }: Filling, start: Uint8Array): Generator<Uint8Array[]> {
  let entries = [start];
  for (const { epoch, time_ms: time, leaves: count, prefix_root: prefixRoot } of epochs) {
    for (const leaf of leavesOf(all, epoch)) entries.push(encodeLogEntry({ kind: 'version', ...leaf }));
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
