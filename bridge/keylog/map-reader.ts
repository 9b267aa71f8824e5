import { CountersignError } from '../../protocol/errors.ts';
import type { PrefixNode, PrefixReader } from '../../protocol/keytrans/prefix-tree.ts';
import { type MapLeaf, type MapPage, nibbleOf, PAGE_LEVELS, pathTo } from './map-pages.ts';

/** The prefix tree that pages hold, for proofs. What is not among the pages cannot be read: `internal`. */
export function readerOf(pageAt: (path: string) => MapPage | undefined): PrefixReader {
  function page(output: Uint8Array, depth: number): MapPage {
    const path = pathTo(output, depth);
    const found = pageAt(path);
    if (found !== undefined) return found;
    throw new CountersignError('internal', undefined, {
      cause: new Error(`the page '${path}' of the key map is missing`),
    });
  }

  return {
    node(depth, path): PrefixNode {
      const level = depth % PAGE_LEVELS;
      const above = Math.floor(depth / PAGE_LEVELS);
      if (level === 0 && depth > 0) {
        const slot = page(path, above - 1).slot(lastBits(path, depth, PAGE_LEVELS));
        if (slot.kind !== 'subtree') return slot;
      }
      const holder = page(path, above);
      const index = lastBits(path, depth, level);
      const node = holder.node(level, index);
      if (node.kind !== 'subtree') return node;
      const [left, right] = [holder.value(level + 1, 2 * index), holder.value(level + 1, 2 * index + 1)];
      return { kind: 'parent', left, right };
    },
  };
}

/** The last `count` (at most 8) of the first `depth` bits. */
function lastBits(path: Uint8Array, depth: number, count: number): number {
  let bits = 0;
  for (let bit = depth - count; bit < depth; bit++) {
    bits = (bits << 1) | (((path[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
  }
  return bits;
}

/** The leaf with this output, or `undefined` where the tree has none. The pages on the way must be there. */
export function findLeaf(
  pageAt: (path: string) => MapPage | undefined,
  output: Uint8Array,
): MapLeaf | undefined {
  for (let depth = 0; ; depth++) {
    const slot = pageAt(pathTo(output, depth))?.slot(nibbleOf(output, depth));
    if (slot?.kind === 'subtree') continue;
    return slot?.kind === 'leaf' && Buffer.compare(slot.output, output) === 0 ? slot : undefined;
  }
}
