import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../protocol/bytes.ts';
import { CompactRange, completeSubtrees } from '../../../protocol/tlog/compact-range.ts';
import { hashLeaf, hashNode } from '../../../protocol/tlog/merkle.ts';
import { type NodeId, rootNodes } from '../../../protocol/tlog/merkle-proof.ts';
import { naiveRoot } from '../../tlog/tree-fixture.ts';

const LEAVES = Array.from({ length: 70 }, (_, index) => utf8(`entry ${index}`));

function hashOf({ level, index }: NodeId): Uint8Array {
  if (level === 0) return hashLeaf(LEAVES[index] ?? new Uint8Array());
  const half = (side: number) => hashOf({ level: level - 1, index: index * 2 + side });
  return hashNode(half(0), half(1));
}

function append(range: CompactRange, nodes: readonly NodeId[]): void {
  range.append(nodes, nodes.map(hashOf));
}

describe('a tree that is put together from the left', () => {
  it('has the root of RFC 6962 whichever of its leaves are at hand', () => {
    for (let size = 1; size <= LEAVES.length; size++) {
      const root = naiveRoot(LEAVES.slice(0, size));
      for (let start = 0; start <= size; start += 3) {
        for (let end = start; end <= size; end += 5) {
          const range = new CompactRange();
          append(range, completeSubtrees(0, start));
          for (const leaf of LEAVES.slice(start, end)) range.appendLeaf(hashLeaf(leaf));
          append(range, completeSubtrees(end, size));
          expect(range.size).toBe(size);
          expect(range.root()).toEqual(root);
        }
      }
    }
  });

  it('names of a whole tree the subtrees that its root is made of', () => {
    for (const size of [0, 1, 2, 3, 64, 69, 70]) expect(completeSubtrees(0, size)).toEqual(rootNodes(size));
  });

  it('refuses a subtree that does not begin where those before it end', () => {
    const range = new CompactRange();
    range.appendLeaf(hashOf({ level: 0, index: 0 }));
    expect(() => append(range, [{ level: 1, index: 1 }])).toThrow('does not begin');
    expect(() => range.append(completeSubtrees(1, 8), [])).toThrow('not as many');
    expect(() => completeSubtrees(3, 2)).toThrow('range');
  });
});
