import { decodeBase64url, encodeBase64url } from '../base64url.ts';
import { equalBytes } from '../bytes.ts';
import { isCountersignError } from '../errors.ts';
import { CompactRange, completeSubtrees } from '../tlog/compact-range.ts';
import { HASH_BYTES, hashLeaf, type Sha256 } from '../tlog/merkle.ts';
import type { EventCopy } from './event-copy.ts';
import type { EventProof } from './event-proof.ts';
import type { ProvenCheckpoint, SignedCheckpoints } from './signed-checkpoints.ts';

export interface ProvenHashes {
  /** Hash by `seq`: of the events that stand in the log, whatever the copy says. */
  readonly hashes: ReadonlyMap<number, string>;
  /** Events of which the copy has a whole row that is not the one that was signed, or not the only one. */
  readonly contradicted: readonly { readonly from: number; readonly to: number }[];
}

type HashOf = (seq: number) => string | undefined;

/** Events of which somebody says that, with what stands before and behind them, the signed root comes out. */
interface Row extends Pick<EventProof, 'from' | 'to' | 'before' | 'after'> {
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
export function proveHashes(
  copy: EventCopy,
  signed: SignedCheckpoints,
  anchors: readonly number[] | undefined,
  sha256?: Sha256,
): ProvenHashes {
  const proven = new Map<number, string>();
  const contradicted: { from: number; to: number }[] = [];
  const believed = anchors === undefined ? undefined : [...anchors];
  const sources: readonly HashOf[] = [(seq) => copy.listedHash(seq), (seq) => copy.ownHash(seq)];

  for (const row of rowsOf(signed)) {
    const { from, to, checkpoint } = row;
    const candidates = sources
      .map((hashOf) => hashesOf(hashOf, from, to))
      .filter((hashes) => hashes !== undefined);
    if (candidates.length === 0) continue;
    const right = candidates.find((hashes) => fits(row, hashes, signed, sha256));
    if (right === undefined || disputed(proven, from, right)) {
      contradicted.push({ from, to });
      continue;
    }
    if (believed !== undefined) {
      const reaches = (size: number) => size === checkpoint.size || (from - 1 <= size && size <= to);
      if (!believed.some(reaches)) continue;
      believed.push(checkpoint.size);
    }
    for (const [index, hash] of right.entries()) proven.set(from + index, encodeBase64url(hash));
  }
  followBack(copy, proven);
  return { hashes: proven, contradicted };
}

function* rowsOf({ checkpoints, proofs }: SignedCheckpoints): Generator<Row, void> {
  let start: { readonly size: number; readonly subtrees: readonly string[] } = { size: 0, subtrees: [] };
  for (const checkpoint of checkpoints) {
    const { size, subtrees } = checkpoint;
    if (size > start.size) {
      yield { from: start.size + 1, to: size, before: [...start.subtrees], after: [], checkpoint };
    }
    if (subtrees !== undefined) start = { size, subtrees };
  }
  for (const { proof, checkpoint } of proofs) yield { ...proof, checkpoint };
}

function hashesOf(hashOf: HashOf, from: number, to: number): Uint8Array[] | undefined {
  if (to < from) return undefined;
  const hashes: Uint8Array[] = [];
  for (let seq = from; seq <= to; seq++) {
    const hash = hashOf(seq);
    if (hash === undefined) return undefined;
    hashes.push(decodeBase64url(hash, HASH_BYTES));
  }
  return hashes;
}

/** Whether the root comes out, and on the way that of every other checkpoint that was signed. */
function fits(
  { from, to, before, after, checkpoint }: Row,
  hashes: readonly Uint8Array[],
  { rootsAt }: SignedCheckpoints,
  sha256?: Sha256,
): boolean {
  const range = new CompactRange(sha256);
  const agrees = (size: number) => rootsAt(size).every((root) => equalBytes(range.root(), root));
  try {
    range.append(completeSubtrees(0, from - 1), before.map(decode));
    if (!agrees(from - 1)) return false;
    for (const [index, hash] of hashes.entries()) {
      range.appendLeaf(hashLeaf(hash, sha256));
      if (!agrees(from + index)) return false;
    }
    range.append(completeSubtrees(to, checkpoint.size), after.map(decode));
    return equalBytes(range.root(), checkpoint.root) && agrees(checkpoint.size);
  } catch (error) {
    // what does not fit together has no root
    if (isCountersignError(error)) return false;
    throw error;
  }
}

/** Whether another checkpoint proves another event in the place of one of these. */
function disputed(proven: ReadonlyMap<number, string>, from: number, hashes: readonly Uint8Array[]): boolean {
  return hashes.some((hash, index) => {
    const known = proven.get(from + index);
    return known !== undefined && known !== encodeBase64url(hash);
  });
}

function decode(hash: string): Uint8Array {
  return decodeBase64url(hash, HASH_BYTES);
}

function followBack(copy: EventCopy, proven: Map<number, string>): void {
  for (const seq of copy.seqs().reverse()) {
    const hash = proven.get(seq);
    const event = copy.at(seq).find(({ computed }) => computed !== null && computed === hash);
    if (event !== undefined && seq > 1 && !proven.has(seq - 1)) proven.set(seq - 1, event.prev);
  }
}
