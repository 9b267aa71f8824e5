import { CountersignError } from '../errors.ts';
import { TREE_LEVELS } from './limits.ts';

/**
 * A node by its number, level · 2^24 + index: leaves stand at level 0, and a node keeps its number when the tree grows
 * by a new root above the old one. In numeric order every child comes before its parent.
 */
export type TreeNode = number;

const LEVEL = 2 ** 24;

export function nodeAt(level: number, index: number): TreeNode {
  return level * LEVEL + index;
}

export function levelOf(node: TreeNode): number {
  return Math.floor(node / LEVEL);
}

export function indexOf(node: TreeNode): number {
  return node % LEVEL;
}

export function parentOf(node: TreeNode): TreeNode {
  return nodeAt(levelOf(node) + 1, indexOf(node) >> 1);
}

/** The left child and the right one. */
export function childrenOf(node: TreeNode): readonly [TreeNode, TreeNode] {
  const left = nodeAt(levelOf(node) - 1, indexOf(node) * 2);
  return [left, left + 1];
}

/** The node of this level above a leaf; of level 0, the leaf itself. */
export function ancestorOf(leaf: number, level: number): TreeNode {
  return nodeAt(level, leaf >> level);
}

export function rootOf(levels: number): TreeNode {
  return nodeAt(levels, 0);
}

/** Every inner node above these leaves. */
export function nodesAbove(leaves: Iterable<number>, levels: number): Set<TreeNode> {
  const nodes = new Set<TreeNode>();
  for (const leaf of leaves) {
    for (let level = 1; level <= levels; level += 1) nodes.add(ancestorOf(leaf, level));
  }
  return nodes;
}

/** The levels of the smallest tree with this many places, but no fewer than `least`. Throws `tree_full`. */
export function levelsFor(places: number, least: number): number {
  let levels = least;
  while (2 ** levels < places) levels += 1;
  if (levels > TREE_LEVELS) throw new CountersignError('tree_full');
  return levels;
}

/** The `count` lowest leaves that are not taken, which may lie outside the tree as it is. */
export function lowestFreeLeaves(count: number, isTaken: (leaf: number) => boolean): number[] {
  const free: number[] = [];
  for (let leaf = 0; free.length < count; leaf += 1) if (!isTaken(leaf)) free.push(leaf);
  return free;
}
