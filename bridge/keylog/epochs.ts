import { CountersignError } from '../../protocol/errors.ts';
import { encodeLogEntry } from '../../protocol/keytrans/log-entry.ts';
import type { Clock } from '../lib/clock.ts';
import { EPOCH_CLOCK_SLACK_MS } from '../lib/limits.ts';
import type { Transaction } from '../storage/database.ts';
import { insertCheckpoint } from '../tlog/checkpoint-store.ts';
import type { LogHead } from '../tlog/log-heads.ts';
import { appendEntries } from '../tlog/log-tree.ts';
import { type Epoch, insertEpoch, newestEpoch } from './epoch-store.ts';
import { addLeaves, type MapChange, type MapLeaf } from './map-pages.ts';
import { EMPTY_MAP, type LoadedPages, type MapStore, type MapVersion } from './map-store.ts';

export interface EpochDeps {
  readonly clock: Clock;
  /** Throws `clock_ahead` where the clock may be ahead; given the time of the last epoch, ms. */
  readonly assertClock: (tx: Transaction, last: number) => Promise<void>;
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
 * `clock_ahead` when more time seems to have passed than is believed, `state_refused` when the log does not end with its
 * last epoch.
 */
export async function closeEpoch(
  tx: Transaction,
  head: LogHead,
  leaves: readonly MapLeaf[],
  deps: EpochDeps,
): Promise<ClosedEpoch> {
  const last = await newestEpoch(tx);
  assertEndsWith(last, head);
  if (last !== undefined) await deps.assertClock(tx, last.time_ms);
  const { map } = deps;
  const { before, change } = await growMap(tx, leaves, mapOf(last), map);
  const closed = {
    epoch: (last?.epoch ?? 0) + 1,
    time_ms: timeAfter(last, deps.clock),
    leaves: (last?.leaves ?? 0) + leaves.length,
    prefix_root: change.root,
  };
  const begin = head.size === 0 ? [startEntry(deps.vrfPublicKey)] : [];
  const entries = [...begin, ...leaves.map(versionEntry), epochEntry(closed)];
  const { epoch, time_ms } = closed;
  const [grown] = await Promise.all([
    appendEntries(tx, 'keys', head, entries),
    map.write(tx, epoch, before, change),
  ]);
  await Promise.all([
    insertEpoch(tx, { ...closed, size: grown.size }),
    insertCheckpoint(tx, { log: 'keys', size: grown.size, root: grown.hash, epoch, time_ms }),
  ]);
  return { epoch, head: grown, position: head.size + begin.length };
}

function assertEndsWith(last: Epoch | undefined, head: LogHead): void {
  if ((last?.size ?? 0) === head.size) return;
  throw new CountersignError(
    'state_refused',
    'The stored key log was tampered with or is damaged: it does not end with its last epoch. Restore the newest backup.',
  );
}

function mapOf(last: Epoch | undefined): MapVersion {
  return last === undefined ? EMPTY_MAP : { epoch: last.epoch, root: last.prefix_root };
}

/** The pages that change, with those that they replace; nothing is written here. */
async function growMap(
  tx: Transaction,
  leaves: readonly MapLeaf[],
  version: MapVersion,
  map: MapStore,
): Promise<{ readonly before: LoadedPages; readonly change: MapChange }> {
  const outputs = leaves.map(({ output }) => output);
  const before = await map.load(tx, version, outputs);
  return { before, change: addLeaves((path) => before.get(path), leaves) };
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
