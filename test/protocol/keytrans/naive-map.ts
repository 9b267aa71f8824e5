import { equalBytes } from '../../../protocol/bytes.ts';
import {
  EMPTY_NODE,
  hashPrefixLeaf,
  hashPrefixParent,
  outputBit,
  type PrefixLeaf,
  type PrefixNode,
  type PrefixReader,
} from '../../../protocol/keytrans/prefix-tree.ts';

/** The prefix tree as the definition reads, recomputed for every question: what an implementation is held against. */
export class NaiveMap implements PrefixReader {
  readonly leaves: PrefixLeaf[] = [];

  add(output: Uint8Array, commitment: Uint8Array): void {
    if (this.leaves.some((leaf) => equalBytes(leaf.output, output))) throw new Error('added twice');
    this.leaves.push({ output, commitment });
  }

  root(): Uint8Array {
    return hashOf(this.leaves, 0);
  }

  node(depth: number, path: Uint8Array): PrefixNode {
    const below = this.leaves.filter(({ output }) => shares(output, path, depth));
    const [leaf] = below;
    if (leaf === undefined) return { kind: 'empty' };
    if (below.length === 1) return { kind: 'leaf', ...leaf };
    return {
      kind: 'parent',
      left: hashOf(side(below, depth, 0), depth + 1),
      right: hashOf(side(below, depth, 1), depth + 1),
    };
  }
}

function hashOf(leaves: readonly PrefixLeaf[], depth: number): Uint8Array {
  const [leaf] = leaves;
  if (leaf === undefined) return EMPTY_NODE;
  if (leaves.length === 1) return hashPrefixLeaf(leaf.output, leaf.commitment);
  return hashPrefixParent(
    hashOf(side(leaves, depth, 0), depth + 1),
    hashOf(side(leaves, depth, 1), depth + 1),
  );
}

function side(leaves: readonly PrefixLeaf[], depth: number, bit: 0 | 1): PrefixLeaf[] {
  return leaves.filter(({ output }) => outputBit(output, depth) === bit);
}

function shares(one: Uint8Array, other: Uint8Array, bits: number): boolean {
  for (let depth = 0; depth < bits; depth++) {
    if (outputBit(one, depth) !== outputBit(other, depth)) return false;
  }
  return true;
}
