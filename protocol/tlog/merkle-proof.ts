import { CountersignError } from '../errors.ts';
import { EMPTY_ROOT, hashNode, type Sha256 } from './merkle.ts';

/** A complete subtree of 2^level leaves: the `index`-th of its level, from 0. Level 0 are the leaves. */
export interface NodeId {
  readonly level: number;
  readonly index: number;
}

/**
 * What a proof is made of, in its order: each of its hashes as the complete subtrees, left to right, of which it is
 * the root. `plan.flat()` is what a store must be asked for.
 */
export type ProofPlan = readonly (readonly NodeId[])[];

/** The complete subtrees, left to right, that make up a tree of `size` leaves: one for each bit of the size. */
export function rootNodes(size: number): NodeId[] {
  if (!Number.isSafeInteger(size) || size < 0) refuse('the size of a tree is not in range');
  return nodesOf(0, size);
}

/**
 * What the proof that the leaf `index` stands in the tree of `size` leaves is made of (RFC 6962 §2.1.1).
 * Throws `log_proof` when there is no such leaf.
 */
export function inclusionNodes(index: number, size: number): ProofPlan {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size) {
    refuse('the index is outside the tree');
  }
  const plan: NodeId[][] = [];
  let [start, length] = [0, size];
  while (length > 1) {
    const left = largestPowerBelow(length);
    if (index < start + left) {
      plan.push(nodesOf(start + left, length - left));
      length = left;
    } else {
      plan.push(nodesOf(start, left));
      start += left;
      length -= left;
    }
  }
  return plan.reverse();
}

/**
 * What the proof that the tree of `newSize` leaves begins with that of `oldSize` is made of (RFC 6962 §2.1.2): nothing
 * where they are of one size or the older one is empty. Throws `log_proof` when the older tree is the larger one.
 */
export function consistencyNodes(oldSize: number, newSize: number): ProofPlan {
  if (!Number.isSafeInteger(newSize) || !Number.isSafeInteger(oldSize) || oldSize < 0 || oldSize > newSize) {
    refuse('the older tree is the larger one');
  }
  if (oldSize === 0) return [];
  const plan: NodeId[][] = [];
  let [start, length] = [0, newSize];
  while (start + length !== oldSize) {
    const left = largestPowerBelow(length);
    if (oldSize <= start + left) {
      plan.push(nodesOf(start + left, length - left));
      length = left;
    } else {
      plan.push(nodesOf(start, left));
      start += left;
      length -= left;
    }
  }
  // The verifier has the root of the older tree: it is left out where the newer tree has it as a node.
  if (start !== 0) plan.push(nodesOf(start, length));
  return plan.reverse();
}

/** The hashes of a proof, from those of the complete subtrees that its plan names. */
export function buildProof(
  plan: ProofPlan,
  hashOf: (node: NodeId) => Uint8Array,
  sha256?: Sha256,
): Uint8Array[] {
  return plan.map((nodes) => rootOf(nodes.map(hashOf), sha256));
}

/** The root of a tree from the hashes of its complete subtrees, left to right (those that `rootNodes` names). */
export function rootOf(edgeHashes: readonly Uint8Array[], sha256?: Sha256): Uint8Array {
  if (edgeHashes.length === 0) return EMPTY_ROOT;
  return edgeHashes.reduceRight((right, left) => hashNode(left, right, sha256));
}

/** The complete subtrees of `length` leaves from `start`, which is a multiple of the largest of them. */
function nodesOf(start: number, length: number): NodeId[] {
  const nodes: NodeId[] = [];
  let [next, rest] = [start, length];
  for (let level = largestLevelWithin(length); rest > 0; level--) {
    const leaves = 2 ** level;
    if (leaves > rest) continue;
    nodes.push({ level, index: next / leaves });
    next += leaves;
    rest -= leaves;
  }
  return nodes;
}

function largestLevelWithin(length: number): number {
  let level = 0;
  while (2 ** (level + 1) <= length) level++;
  return level;
}

function largestPowerBelow(length: number): number {
  return 2 ** largestLevelWithin(length - 1);
}

function refuse(reason: string): never {
  throw new CountersignError('log_proof', reason);
}
