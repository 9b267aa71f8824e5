import { describe, expect, it } from 'vitest';
import { TREE_LEVELS } from '../../../protocol/meetings/limits.ts';
import {
  ancestorOf,
  childrenOf,
  indexOf,
  levelOf,
  levelsFor,
  lowestFreeLeaves,
  nodeAt,
  nodesAbove,
  parentOf,
  rootOf,
} from '../../../protocol/meetings/tree-shape.ts';
import { decodeWraps, encodeWraps } from '../../../protocol/meetings/wrap-list.ts';
import { codeOf } from '../codes.ts';

describe('the tree', () => {
  it('finds ways from the largest leaf to the root and back', () => {
    let node = ancestorOf(2 ** TREE_LEVELS - 1, 0);
    for (let level = 1; level <= TREE_LEVELS; level += 1) {
      expect(childrenOf(parentOf(node))).toContain(node);
      node = parentOf(node);
      expect(node).toBe(ancestorOf(2 ** TREE_LEVELS - 1, level));
      expect([levelOf(node), indexOf(node)]).toEqual([level, 2 ** (TREE_LEVELS - level) - 1]);
    }
    expect(node).toBe(rootOf(TREE_LEVELS));
  });

  it('has every inner node above its leaves once', () => {
    expect([...nodesAbove([0, 1, 6], 3)].sort((a, b) => a - b)).toEqual(
      [
        [1, 0],
        [1, 3],
        [2, 0],
        [2, 1],
        [3, 0],
      ].map(([level = 0, index = 0]) => nodeAt(level, index)),
    );
  });

  it('grows as far as places are needed, and no further than it may', async () => {
    expect([levelsFor(0, 0), levelsFor(1, 0), levelsFor(2, 0), levelsFor(3, 0), levelsFor(3, 5)]).toEqual([
      0, 0, 1, 2, 5,
    ]);
    expect(levelsFor(2 ** TREE_LEVELS, 0)).toBe(TREE_LEVELS);
    expect(await codeOf(() => levelsFor(2 ** TREE_LEVELS + 1, 0))).toBe('tree_full');
  });

  it('fills the lowest places first', () => {
    const taken = new Set([0, 1, 4]);
    expect(lowestFreeLeaves(4, (leaf) => taken.has(leaf))).toEqual([2, 3, 5, 6]);
    expect(lowestFreeLeaves(0, () => true)).toEqual([]);
  });
});

describe('a list of wraps', () => {
  const wrap = (child: number) => ({ child, wrapped: new Uint8Array(48).fill(child) });

  it('names the child under whose key each stands', () => {
    const bytes = encodeWraps([wrap(nodeAt(0, 3)), wrap(nodeAt(1, 0))]);
    expect(bytes.length).toBe(104);
    expect([...decodeWraps(bytes).keys()]).toEqual([3, 2 ** 24]);
    expect(decodeWraps(bytes).get(3)).toEqual(wrap(3).wrapped);
  });

  it('is refused when it is cut off, out of order, or names a child twice', async () => {
    const [one, two] = [encodeWraps([wrap(1)]), encodeWraps([wrap(2)])];
    for (const bad of [one.subarray(1), new Uint8Array([...two, ...one]), new Uint8Array([...one, ...one])]) {
      expect(await codeOf(() => decodeWraps(bad))).toBe('rekey_mismatch');
    }
  });
});
