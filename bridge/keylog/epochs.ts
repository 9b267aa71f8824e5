import { CountersignError } from '../../protocol/errors.ts';
import { encodeLogEntry } from '../../protocol/keytrans/log-entry.ts';
import type { Clock } from '../lib/clock.ts';
import { EPOCH_CLOCK_SLACK_MS } from '../lib/limits.ts';
import type { Transaction } from '../storage/database.ts';
import { insertCheckpoint } from '../tlog/checkpoint-store.ts';
import type { LogHead } from '../tlog/log-heads.ts';
import { appendEntries } from '../tlog/log-tree.ts';
import { type Epoch, insertEpoch, newestEpoch } from './epoch-store.ts';
import { addLeaves, type MapLeaf } from './map-pages.ts';
import { EMPTY_MAP, type MapStore } from './map-store.ts';

export interface EpochDeps {
  readonly clock: Clock;
  readonly map: MapStore;
  /** Of the log: entry 0 fixes it. */
  readonly vrfPublicKey: Uint8Array;
}

/** An epoch that was closed, and where in the log its entries are. */
export interface ClosedEpoch {
  readonly epoch: number;
  /** The log with it. */
  readonly head: LogHead;
  /** Of the entry of the first leaf; the others follow. */
  readonly position: number;
}

/**
 * Closes an epoch with new leaves: entries (before the first of all entry 0), the map, and the checkpoint to be signed.
 * Moving the head, in the same transaction, is the caller's.
 *
 * Throws `conflict` for a leaf that is in the map, `clock_back` when time has not passed since the last epoch,
 * `state_refused` when the log does not end with its last epoch.
 */
export async function closeEpoch(
  tx: Transaction,
  head: LogHead,
  leaves: readonly MapLeaf[],
  deps: EpochDeps,
): Promise<ClosedEpoch> {
  const last = await newestEpoch(tx);
  assertEndsWith(last, head);
  const closed = {
    epoch: (last?.epoch ?? 0) + 1,
    time_ms: timeAfter(last, deps.clock),
    leaves: (last?.leaves ?? 0) + leaves.length,
    prefix_root: await addToMap(tx, leaves, last, deps.map),
  };
  const begin = head.size === 0 ? [startEntry(deps.vrfPublicKey)] : [];
  const entries = [...begin, ...leaves.map(versionEntry), epochEntry(closed)];
  const grown = await appendEntries(tx, 'keys', head, entries);
  await insertEpoch(tx, { ...closed, size: grown.size });
  const { epoch, time_ms } = closed;
  await insertCheckpoint(tx, { log: 'keys', size: grown.size, root: grown.hash, epoch, time_ms });
  return { epoch, head: grown, position: head.size + begin.length };
}

function assertEndsWith(last: Epoch | undefined, head: LogHead): void {
  if ((last?.size ?? 0) === head.size) return;
  throw new CountersignError(
    'state_refused',
    'The stored key log was tampered with or is damaged: it does not end with its last epoch. Restore the newest backup.',
  );
}

/** Writes the pages that change; answers the root of the map then. */
async function addToMap(
  tx: Transaction,
  leaves: readonly MapLeaf[],
  last: Epoch | undefined,
  map: MapStore,
): Promise<Uint8Array> {
  const version = last === undefined ? EMPTY_MAP : { epoch: last.epoch, root: last.prefix_root };
  const outputs = leaves.map(({ output }) => output);
  const pages = await map.load(tx, version, outputs);
  const change = addLeaves((path) => pages.get(path), leaves);
  await map.write(tx, version.epoch + 1, pages, change);
  return change.root;
}

/** Times of epochs increase. Replicas' clocks differ a little; a clock that is further behind is wrong. */
function timeAfter(last: Epoch | undefined, clock: Clock): number {
  const now = clock.now();
  if (last === undefined || now > last.time_ms) return now;
  if (now < last.time_ms - EPOCH_CLOCK_SLACK_MS) {
    throw new CountersignError('clock_back');
  }
  return last.time_ms + 1;
}

function startEntry(vrfPublicKey: Uint8Array): Uint8Array {
  return encodeLogEntry({ kind: 'start', vrfPublicKey });
}

function versionEntry({ output, commitment }: MapLeaf): Uint8Array {
  return encodeLogEntry({ kind: 'version', output, commitment });
}

/** The entry of an epoch, as the log has it. */
export function epochEntry(
  epoch: Pick<Epoch, 'epoch' | 'time_ms' | 'leaves' | 'prefix_root'>,
): Uint8Array<ArrayBuffer> {
  const { epoch: number, time_ms: time, leaves, prefix_root: prefixRoot } = epoch;
  return encodeLogEntry({ kind: 'epoch', epoch: number, time, leaves, prefixRoot });
}
