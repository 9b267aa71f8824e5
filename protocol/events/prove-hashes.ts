import { decodeBase64url } from '../base64url.ts';
import { equalBytes } from '../bytes.ts';
import { isCountersignError } from '../errors.ts';
import { CompactRange, completeSubtrees } from '../tlog/compact-range.ts';
import { HASH_BYTES, hashLeaf } from '../tlog/merkle.ts';
import type { EventCopy } from './event-copy.ts';
import { SeqHashes } from './seq-hashes.ts';
import type { ProvenCheckpoint } from './signed-checkpoints.ts';

export interface ProvenHashes {
  /** Of the events that stand in the log, whatever the copy says. */
  readonly hashes: SeqHashes;
  /** Events of which the copy has a whole row that is not the one that was signed, or not the only one. */
  readonly contradicted: readonly { readonly from: number; readonly to: number }[];
}

type HashOf = (seq: number) => Uint8Array | undefined;

/** Events of which somebody says that, with what stands before and behind them, the signed root comes out. */
interface Row {
  readonly from: number;
  readonly to: number;
  /** Complete subtrees. */
  readonly before: readonly Uint8Array[];
  readonly after: readonly Uint8Array[];
  readonly checkpoint: ProvenCheckpoint;
}

/**
 * Which hashes the checkpoints prove: those of a row of events that makes, from the beginning or from the subtrees of
 * a checkpoint before, the root of the next one, and of every checkpoint on the way; and, as each event names the hash
 * of the one before, all behind which a proven event stands.
 *
 * @param anchors - sizes of the checkpoints that are believed. `undefined`: all that are signed. What no row of events
 *   connects with one of them is not proven, though it be signed: the log may have been forked.
 */
export function proveHashes(copy: EventCopy, anchors: readonly number[] | undefined): ProvenHashes {
  const proven = new SeqHashes();
  const contradicted: { from: number; to: number }[] = [];
  const believed = anchors === undefined ? undefined : new Set(anchors);
  const sources: readonly HashOf[] = [(seq) => copy.listedHash(seq), (seq) => copy.ownHash(seq)];

  for (const row of rowsOf(copy)) {
    const { from, to, checkpoint } = row;
    const candidates = sources.filter((hashOf) => hasAll(row, hashOf));
    if (candidates.length === 0) continue;
    const right = candidates.find((hashOf) => fits(row, hashOf, copy));
    if (right === undefined || disputed(proven, row, right)) {
      contradicted.push({ from, to });
      continue;
    }
    if (believed !== undefined) {
      if (!believed.has(checkpoint.size) && !hasWithin(believed, from - 1, to)) continue;
      believed.add(checkpoint.size);
    }
    for (const [seq, hash] of hashesOf(row, right)) proven.set(seq, hash);
  }
  followBack(copy, proven);
  return { hashes: proven, contradicted };
}

function hasWithin(sizes: ReadonlySet<number>, from: number, to: number): boolean {
  for (let size = from; size <= to; size++) if (sizes.has(size)) return true;
  return false;
}

function* rowsOf({ signed, proofs }: EventCopy): Generator<Row, void> {
  let start: { readonly size: number; readonly subtrees: readonly Uint8Array[] } = { size: 0, subtrees: [] };
  for (const checkpoint of signed.rising()) {
    const { size, subtrees } = checkpoint;
    if (size > start.size) {
      yield { from: start.size + 1, to: size, before: start.subtrees, after: [], checkpoint };
    }
    if (subtrees !== undefined) start = { size, subtrees };
  }
  for (const { proof, checkpoint } of proofs) {
    const { from, to, before, after } = proof;
    yield { from, to, before: before.map(decode), after: after.map(decode), checkpoint };
  }
}

function hasAll({ from, to }: Row, hashOf: HashOf): boolean {
  for (let seq = from; seq <= to; seq++) if (hashOf(seq) === undefined) return false;
  return from <= to;
}

function* hashesOf({ from, to }: Row, hashOf: HashOf): Generator<[seq: number, hash: Uint8Array], void> {
  for (let seq = from; seq <= to; seq++) {
    const hash = hashOf(seq);
    if (hash !== undefined) yield [seq, hash];
  }
}

/** Whether the root comes out, and on the way that of every other checkpoint that was signed. */
function fits(row: Row, hashOf: HashOf, { signed, trust: { sha256 } }: EventCopy): boolean {
  const { from, to, before, after, checkpoint } = row;
  const range = new CompactRange(sha256);
  const agrees = (size: number) => signed.rootsAt(size).every((root) => equalBytes(range.root(), root));
  try {
    range.append(completeSubtrees(0, from - 1), before);
    if (!agrees(from - 1)) return false;
    for (const [seq, hash] of hashesOf(row, hashOf)) {
      range.appendLeaf(hashLeaf(hash, sha256));
      if (!agrees(seq)) return false;
    }
    range.append(completeSubtrees(to, checkpoint.size), after);
    return equalBytes(range.root(), checkpoint.root) && agrees(checkpoint.size);
  } catch (error) {
    // what does not fit together has no root
    if (isCountersignError(error)) return false;
    throw error;
  }
}

/** Whether another checkpoint proves another event in the place of one of these. */
function disputed(proven: SeqHashes, row: Row, hashOf: HashOf): boolean {
  for (const [seq, hash] of hashesOf(row, hashOf)) {
    const known = proven.get(seq);
    if (known !== undefined && !equalBytes(known, hash)) return true;
  }
  return false;
}

/** What cannot be decoded fits nowhere: it is of another length then. */
function decode(hash: string): Uint8Array {
  try {
    return decodeBase64url(hash, HASH_BYTES);
  } catch (error) {
    if (isCountersignError(error)) return new Uint8Array();
    throw error;
  }
}

function followBack(copy: EventCopy, proven: SeqHashes): void {
  for (const { seq, hash, prev, content } of copy.falling()) {
    const signed = proven.get(seq);
    if (content !== 'whole' || signed === undefined || !equalBytes(hash, signed)) continue;
    if (seq > 1 && proven.get(seq - 1) === undefined) proven.set(seq - 1, prev);
  }
}
