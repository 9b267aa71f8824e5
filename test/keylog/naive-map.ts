import type { MapLeaf } from '../../bridge/keylog/map-pages.ts';
import {
  EMPTY_NODE,
  hashPrefixLeaf,
  hashPrefixParent,
  outputBit,
} from '../../protocol/keytrans/prefix-tree.ts';

/** The root as the definition has it, from all leaves at once. */
export function naiveRoot(leaves: readonly MapLeaf[], depth = 0): Uint8Array {
  const [only, ...others] = leaves;
  if (only === undefined) return EMPTY_NODE;
  if (others.length === 0) return hashPrefixLeaf(only.output, only.commitment);
  const side = (bit: number) => leaves.filter(({ output }) => outputBit(output, depth) === bit);
  return hashPrefixParent(naiveRoot(side(0), depth + 1), naiveRoot(side(1), depth + 1));
}
