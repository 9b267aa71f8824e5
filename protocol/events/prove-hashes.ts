import { decodeBase64url, encodeBase64url } from '../base64url.ts';
import { equalBytes } from '../bytes.ts';
import { isCountersignError } from '../errors.ts';
import { CompactRange, completeSubtrees } from '../tlog/compact-range.ts';
import { HASH_BYTES, hashLeaf, type Sha256 } from '../tlog/merkle.ts';
import type { EventCopy } from './event-copy.ts';
import { type EventProof, rootOfEvents } from './event-proof.ts';

/** A checkpoint whose signature was verified. */
export interface ProvenCheckpoint {
  readonly size: number;
  readonly root: Uint8Array;
  /** Of which subtrees the root is made, where that is known too; base64url. */
  readonly subtrees?: readonly string[] | undefined;
}

export interface ProvenHashes {
  /** Hash by `seq`: of the events that stand in the log, whatever the copy says. */
  readonly hashes: ReadonlyMap<number, string>;
  /** Events of which the copy has a whole row that is not the one that was signed. */
  readonly contradicted: readonly { readonly from: number; readonly to: number }[];
}

type HashOf = (seq: number) => string | undefined;

/**
 * Which hashes the checkpoints prove: those of a row of events that makes, from the beginning or from the subtrees of
 * a checkpoint before, the root of the next one; and, as each event names the hash of the one before, all behind which
 * a proven event stands.
 */
export function proveHashes(
  copy: EventCopy,
  checkpoints: readonly ProvenCheckpoint[],
  proofs: readonly { readonly proof: EventProof; readonly checkpoint: ProvenCheckpoint }[],
  sha256?: Sha256,
): ProvenHashes {
  const proven = new Map<number, string>();
  const contradicted: { from: number; to: number }[] = [];
  const sources: readonly HashOf[] = [(seq) => copy.listedHash(seq), (seq) => copy.ownHash(seq)];

  function tryRow(
    from: number,
    to: number,
    root: Uint8Array,
    rootOf: (hashes: Uint8Array[]) => Uint8Array,
  ): void {
    const rows = sources.map((hashOf) => rowOf(hashOf, from, to)).filter((row) => row !== undefined);
    const right = rows.find((row) =>
      equalBytes(
        attempt(() => rootOf(row)),
        root,
      ),
    );
    if (right === undefined) {
      if (rows.length > 0) contradicted.push({ from, to });
      return;
    }
    for (const [index, hash] of right.entries()) proven.set(from + index, encodeBase64url(hash));
  }

  for (const { proof, checkpoint } of proofs) {
    tryRow(proof.from, proof.to, checkpoint.root, (hashes) =>
      rootOfEvents(proof, hashes, checkpoint.size, sha256),
    );
  }
  let before: ProvenCheckpoint = { size: 0, root: new Uint8Array(), subtrees: [] };
  for (const checkpoint of [...checkpoints].sort((left, right) => left.size - right.size)) {
    const start = before;
    if (checkpoint.size > start.size) {
      tryRow(start.size + 1, checkpoint.size, checkpoint.root, (hashes) => rootBehind(start, hashes, sha256));
    }
    if (opensAt(checkpoint, sha256)) before = checkpoint;
  }
  followBack(copy, proven);
  return { hashes: proven, contradicted };
}

function rowOf(hashOf: HashOf, from: number, to: number): Uint8Array[] | undefined {
  const row: Uint8Array[] = [];
  for (let seq = from; seq <= to; seq++) {
    const hash = hashOf(seq);
    if (hash === undefined) return undefined;
    row.push(decodeBase64url(hash, HASH_BYTES));
  }
  return row;
}

function rootBehind(start: ProvenCheckpoint, hashes: readonly Uint8Array[], sha256?: Sha256): Uint8Array {
  const range = new CompactRange(sha256);
  const subtrees = (start.subtrees ?? []).map((hash) => decodeBase64url(hash, HASH_BYTES));
  range.append(completeSubtrees(0, start.size), subtrees);
  for (const hash of hashes) range.appendLeaf(hashLeaf(hash, sha256));
  return range.root();
}

/** Whether the subtrees that an event names are those of the root that was signed. */
function opensAt(checkpoint: ProvenCheckpoint, sha256?: Sha256): boolean {
  if (checkpoint.subtrees === undefined) return false;
  return equalBytes(
    attempt(() => rootBehind(checkpoint, [], sha256)),
    checkpoint.root,
  );
}

function followBack(copy: EventCopy, proven: Map<number, string>): void {
  for (const seq of copy.seqs().reverse()) {
    const hash = proven.get(seq);
    const event = copy.at(seq).find(({ computed }) => computed !== null && computed === hash);
    if (event !== undefined && seq > 1 && !proven.has(seq - 1)) proven.set(seq - 1, event.prev);
  }
}

const NO_ROOT = new Uint8Array();

/** What does not fit together has no root. */
function attempt(rootOf: () => Uint8Array): Uint8Array {
  try {
    return rootOf();
  } catch (error) {
    if (isCountersignError(error)) return NO_ROOT;
    throw error;
  }
}
