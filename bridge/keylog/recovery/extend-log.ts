import { encodeBase64url } from '../../../protocol/base64url.ts';
import { equalBytes } from '../../../protocol/bytes.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import type { Transaction } from '../../storage/database.ts';
import { insertCheckpoint, storeLogSignature } from '../../tlog/checkpoint-store.ts';
import { type LogHead, moveHead, takeHead } from '../../tlog/log-heads.ts';
import { appendEntries, EMPTY_LOG } from '../../tlog/log-tree.ts';
import { insertRecoveredEpoch, newestEpoch } from '../epoch-store.ts';
import { insertLostEntries } from '../lost-entry-store.ts';
import { addLeaves } from '../map-pages.ts';
import { EMPTY_MAP, MapStore, type MapVersion } from '../map-store.ts';
import type { TailEpoch, VerifiedCopy } from './verified-copy.ts';

/** Entries that are appended, and leaves that enter the map, in one go. */
const PART = 4_096;

/**
 * Brings the log in the store to where the copy ends, in the open transaction: entries, tiles, epochs, checkpoints, the
 * map and the head. The versions that come in with it are kept as lost: no name, no value and no opening is known.
 *
 * Throws `conflict` when the store is not any more where the copy was held against it, `state_refused` where map or tree
 * do not come out as they were signed.
 */
export async function extendLog(tx: Transaction, copy: VerifiedCopy): Promise<void> {
  const head = await takeHead(tx, 'keys', EMPTY_LOG);
  if (head.size !== copy.from.size || head.hash !== copy.from.hash) {
    throw new CountersignError(
      'conflict',
      'The log in the store has moved meanwhile: is a bridge running on it?',
    );
  }
  const grown = await append(tx, head, copy.tail);
  if (grown.hash !== encodeBase64url(copy.checkpoint.root)) throw damaged('the tree');
  await growMap(tx, copy.epochs);
  await insertEpochs(tx, copy);
  await insertLostEntries(
    tx,
    copy.epochs.flatMap(({ versions }) => versions),
  );
  await moveHead(tx, 'keys', head, grown);
}

async function append(tx: Transaction, head: LogHead, tail: readonly Uint8Array[]): Promise<LogHead> {
  let grown = head;
  for (let first = 0; first < tail.length; first += PART) {
    grown = await appendEntries(tx, 'keys', grown, tail.slice(first, first + PART));
  }
  return grown;
}

/** Several epochs in one go: proofs are given in the last of all, and in those that the store had. */
async function growMap(tx: Transaction, epochs: readonly TailEpoch[]): Promise<void> {
  const map = new MapStore();
  const last = await newestEpoch(tx);
  let version: MapVersion = last === undefined ? EMPTY_MAP : { epoch: last.epoch, root: last.prefix_root };
  let leaves: TailEpoch['versions'][number][] = [];
  for (const [place, { epoch, prefixRoot, versions }] of epochs.entries()) {
    leaves.push(...versions);
    if (leaves.length < PART && place < epochs.length - 1) continue;
    if (leaves.length > 0) {
      const before = await map.load(
        tx,
        version,
        leaves.map(({ output }) => output),
      );
      const change = addLeaves((path) => before.get(path), leaves);
      if (!equalBytes(change.root, prefixRoot)) throw damaged('the map');
      await map.write(tx, epoch, before, change);
    }
    version = { epoch, root: prefixRoot };
    leaves = [];
  }
}

async function insertEpochs(
  tx: Transaction,
  { epochs, checkpoint, signatureLines }: VerifiedCopy,
): Promise<void> {
  for (const { epoch, time, leaves, prefixRoot, size, root } of epochs) {
    const isNewest = size === checkpoint.size;
    const row = { log: 'keys', size, root, epoch, time_ms: time } as const;
    await insertRecoveredEpoch(tx, { epoch, time_ms: time, leaves, prefix_root: prefixRoot, size }, isNewest);
    await insertCheckpoint(tx, row);
    if (isNewest) await storeLogSignature(tx, { ...row, log_signature: null }, signatureLines);
  }
}

function damaged(what: string): CountersignError {
  return new CountersignError(
    'state_refused',
    `The store is damaged: ${what} that it leads to is another than was signed. Nothing was changed. Restore another backup.`,
  );
}
