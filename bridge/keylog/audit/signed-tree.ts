import {
  buildProof,
  consistencyNodes,
  inclusionNodes,
  type NodeId,
  rootNodes,
  rootOf,
} from '../../../protocol/tlog/merkle-proof.ts';
import { TILE_WIDTH } from '../../../protocol/tlog/tile.ts';
import { sha256 } from '../../lib/hash.ts';
import { subtreeRoot } from './bundle-hashes.ts';
import { DIGEST } from './fast-hash.ts';

/** Levels from a leaf up to the root of a full bundle. */
const BUNDLE_LEVEL = 8;

/** A tree as an auditor keeps it in memory: the roots of its full bundles, and the leaves behind the last of them. */
export interface BundledTree {
  /** Entries. */
  readonly size: number;
  /** 32 bytes for each full bundle of 256 entries; there may be more, of a larger tree with the same beginning. */
  readonly bundleRoots: Uint8Array;
  /** 32 bytes for each entry behind the last full bundle. */
  readonly edge: Uint8Array;
}

/** The Merkle root (RFC 6962) of the tree. */
export function treeRoot(tree: BundledTree): Uint8Array {
  return rootOf(rootNodes(tree.size).map(nodeHashes(tree)), sha256);
}

/** The inclusion proof of an entry; `leaves` are the hashes of the bundle that it is in. */
export function proveEntry(tree: BundledTree, index: number, leaves: Uint8Array): Uint8Array[] {
  const bundle = { index: Math.floor(index / TILE_WIDTH), leaves };
  return buildProof(inclusionNodes(index, tree.size), nodeHashes(tree, bundle), sha256);
}

/** How a tree begins: its root at a smaller size, and the proof of consistency from there (RFC 6962 section 2.1.2). */
export interface TreeBeginning {
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** The beginning of the tree at `size`; `leaves` are the hashes of the bundle that the size lies in. */
export function proveBeginning(tree: BundledTree, size: number, leaves: Uint8Array): TreeBeginning {
  const index = Math.floor(size / TILE_WIDTH);
  const edge = leaves.subarray(0, (size % TILE_WIDTH) * DIGEST);
  const plan = consistencyNodes(size, tree.size);
  return {
    root: treeRoot({ size, bundleRoots: tree.bundleRoots, edge }),
    proof: buildProof(plan, nodeHashes(tree, { index, leaves }), sha256),
  };
}

function nodeHashes(tree: BundledTree, bundle?: { index: number; leaves: Uint8Array }) {
  const full = Math.floor(tree.size / TILE_WIDTH);
  return ({ level, index }: NodeId): Uint8Array => {
    if (level >= BUNDLE_LEVEL) {
      const count = 2 ** (level - BUNDLE_LEVEL);
      return subtreeRoot(tree.bundleRoots, index * count, count);
    }
    const count = 2 ** level;
    const owner = Math.floor((index * count) / TILE_WIDTH);
    const leaves = owner === bundle?.index ? bundle.leaves : owner === full ? tree.edge : new Uint8Array();
    return subtreeRoot(leaves, (index * count) % TILE_WIDTH, count);
  };
}

/** Hash `place` of hashes that lie one behind the other. */
export function hashAt(hashes: Uint8Array, place: number): Uint8Array {
  return hashes.subarray(place * DIGEST, (place + 1) * DIGEST);
}
