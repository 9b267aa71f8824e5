import { hashLeaf, hashNode } from '../../../protocol/tlog/merkle.ts';
import type { NodeId } from '../../../protocol/tlog/merkle-proof.ts';

/** The root of these leaves as RFC 6962 §2.1 defines it, by recursion: what faster code is compared with. */
export function rootOfLeaves(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves;
  if (first === undefined) throw new Error('the empty tree has no leaves to hash');
  if (leaves.length === 1) return first;
  let left = 1;
  while (left * 2 < leaves.length) left *= 2;
  return hashNode(rootOfLeaves(leaves.slice(0, left)), rootOfLeaves(leaves.slice(left)));
}

/** Leaf hashes that differ. */
export function leavesOf(size: number): Uint8Array[] {
  return Array.from({ length: size }, (_, index) => hashLeaf(Uint8Array.of(index >> 8, index & 0xff)));
}

/** The hash of a complete subtree of these leaves. */
export function nodeOf(leaves: readonly Uint8Array[], { level, index }: NodeId): Uint8Array {
  const width = 2 ** level;
  if ((index + 1) * width > leaves.length) throw new Error('the subtree is not complete');
  return rootOfLeaves(leaves.slice(index * width, (index + 1) * width));
}
