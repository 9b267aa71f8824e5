import { equalBytes } from '../bytes.ts';
import { CountersignError } from '../errors.ts';
import { sha256 as protocolSha256 } from '../hash.ts';

/** SHA-256, 32 bytes. Who hashes whole trees passes a faster one than the portable default. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

export const HASH_BYTES = 32;

/** The root of a tree without leaves (RFC 6962 §2.1). */
export const EMPTY_ROOT: Uint8Array = protocolSha256(new Uint8Array());

/** The hash of a leaf: SHA-256(0x00 ‖ entry) (RFC 6962 §2.1). */
export function hashLeaf(entry: Uint8Array, sha256: Sha256 = protocolSha256): Uint8Array {
  const input = new Uint8Array(1 + entry.length);
  input.set(entry, 1);
  return sha256(input);
}

/** The hash of an inner node: SHA-256(0x01 ‖ left ‖ right) (RFC 6962 §2.1). */
export function hashNode(left: Uint8Array, right: Uint8Array, sha256: Sha256 = protocolSha256): Uint8Array {
  const input = new Uint8Array(1 + 2 * HASH_BYTES);
  input[0] = 1;
  input.set(left, 1);
  input.set(right, 1 + HASH_BYTES);
  return sha256(input);
}

/** That a leaf stands in a tree. All of it may come from an attacker. */
export interface InclusionProof {
  /** Of the leaf, from 0. */
  readonly index: number;
  /** Leaves of the tree. */
  readonly size: number;
  readonly leafHash: Uint8Array;
  /** The sibling of the leaf first, the child of the root last. */
  readonly proof: readonly Uint8Array[];
}

/** That the tree of `newSize` leaves begins with the tree of `oldSize` leaves. */
export interface ConsistencyProof {
  readonly oldSize: number;
  readonly oldRoot: Uint8Array;
  readonly newSize: number;
  readonly newRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/**
 * The root of the tree in which the leaf has this place (RFC 9162 §2.1.3.2). Throws `log_proof` when no tree of this
 * size has a proof of this form. It proves nothing until the root is compared with one that is trusted.
 */
export function rootFromInclusionProof(claim: InclusionProof, sha256?: Sha256): Uint8Array {
  const { index, size, leafHash, proof } = claim;
  assertSize(size);
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) refuse('the index is outside the tree');
  assertHashes([leafHash, ...proof]);
  const path = new Path(index, size - 1);
  let root = leafHash;
  for (const sibling of proof) {
    if (path.last === 0) refuse('the proof is too long');
    root = path.isRight() ? hashNode(sibling, root, sha256) : hashNode(root, sibling, sha256);
    path.ascend();
  }
  if (path.last !== 0) refuse('the proof is too short');
  return root;
}

/** Throws `log_proof` unless the leaf stands at its index in the tree of this root. */
export function verifyInclusion(
  claim: InclusionProof & { readonly root: Uint8Array },
  sha256?: Sha256,
): void {
  if (!equalBytes(rootFromInclusionProof(claim, sha256), claim.root)) refuse('the root differs');
}

/**
 * Throws `log_proof` unless the newer tree begins with the older one (RFC 9162 §2.1.4.2). An older tree without
 * leaves is refused: every tree begins with it, so a proof from it shows nothing.
 */
export function verifyConsistency(claim: ConsistencyProof, sha256?: Sha256): void {
  const { oldSize, oldRoot, newSize, newRoot } = claim;
  assertSize(oldSize);
  assertSize(newSize);
  if (oldSize > newSize) refuse('the older tree is the larger one');
  if (oldSize === newSize) {
    if (claim.proof.length > 0) refuse('the proof is too long');
    if (!equalBytes(oldRoot, newRoot)) refuse('two trees of one size differ');
    return;
  }
  assertHashes([oldRoot, newRoot, ...claim.proof]);
  const path = new Path(oldSize - 1, newSize - 1);
  while (path.isOdd()) path.halve();
  // A whole older tree is a node of the newer one, and the proof leaves out what the verifier has.
  const [first, ...rest] = path.index === 0 ? [oldRoot, ...claim.proof] : claim.proof;
  if (first === undefined) refuse('the proof is too short');
  let [older, newer] = [first, first];
  for (const sibling of rest) {
    if (path.last === 0) refuse('the proof is too long');
    if (path.isRight()) {
      older = hashNode(sibling, older, sha256);
      newer = hashNode(sibling, newer, sha256);
    } else {
      newer = hashNode(newer, sibling, sha256);
    }
    path.ascend();
  }
  if (path.last !== 0) refuse('the proof is too short');
  if (!equalBytes(older, oldRoot)) refuse('the older root differs');
  if (!equalBytes(newer, newRoot)) refuse('the newer root differs');
}

/**
 * The way from a leaf to the root: the index of the node and that of the last node, level by level. Sizes go up to
 * 2^53, where the bit operators of JavaScript, which see 32 bits, would be wrong.
 */
class Path {
  index: number;
  last: number;

  constructor(index: number, last: number) {
    this.index = index;
    this.last = last;
  }

  isOdd(): boolean {
    return this.index % 2 === 1;
  }

  /** Whether the next sibling stands on the left: the node is a right child, or the last of its level. */
  isRight(): boolean {
    return this.isOdd() || this.index === this.last;
  }

  halve(): void {
    this.index = Math.floor(this.index / 2);
    this.last = Math.floor(this.last / 2);
  }

  /** To the parent; the last node of a level without a sibling is its own parent. */
  ascend(): void {
    if (this.index === this.last) while (!this.isOdd() && this.index !== 0) this.halve();
    this.halve();
  }
}

function assertSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 1) refuse('the size of a tree is not in range');
}

function assertHashes(hashes: readonly Uint8Array[]): void {
  if (hashes.some((hash) => hash.length !== HASH_BYTES)) refuse('a hash is not 32 bytes');
}

function refuse(reason: string): never {
  throw new CountersignError('log_proof', reason);
}
