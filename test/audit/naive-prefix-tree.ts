import { createHash } from 'node:crypto';

/** One leaf of the map. */
export interface NaiveLeaf {
  readonly output: Uint8Array;
  readonly commitment: Uint8Array;
}

const sha256 = (...pieces: Uint8Array[]) => createHash('sha256').update(Buffer.concat(pieces)).digest();

/** The prefix tree's root as the definition reads, from nothing but the leaves: slow and plain. */
export function naivePrefixRoot(leaves: readonly NaiveLeaf[], depth = 0): Buffer {
  const [first, second] = leaves;
  if (first === undefined) return Buffer.alloc(32);
  if (second === undefined) return sha256(Uint8Array.of(2), first.output, first.commitment);
  const isRight = ({ output }: NaiveLeaf) => (((output[depth >> 3] ?? 0) >> (7 - (depth % 8))) & 1) === 1;
  const left = leaves.filter((leaf) => !isRight(leaf));
  const right = leaves.filter(isRight);
  return sha256(Uint8Array.of(3), naivePrefixRoot(left, depth + 1), naivePrefixRoot(right, depth + 1));
}
