import { createHash } from 'node:crypto';
import { type MapLeaf, nibbleOf } from '../../bridge/keylog/map-pages.ts';

/** The map as the definitions of the tree and of its pages have it, all of it anew from nothing but the leaves. */
export interface ModelMap {
  readonly root: Uint8Array;
  /** The stored form of each, by path. */
  readonly pages: ReadonlyMap<string, Uint8Array>;
}

export function modelMap(leaves: readonly MapLeaf[]): ModelMap {
  const pages = new Map<string, Uint8Array>();
  return { root: pageNode(leaves, '', pages).hash, pages };
}

/** The tree's node over a range. */
interface ModelNode {
  /** Leaves in the range. */
  readonly count: number;
  readonly hash: Uint8Array;
  /** Where the range has a single one. */
  readonly leaf?: MapLeaf | undefined;
}

const NOTHING: ModelNode = { count: 0, hash: new Uint8Array(32) };

/** The node at a page's path; the page is there for two leaves or more, and for the root. */
function pageNode(leaves: readonly MapLeaf[], path: string, pages: Map<string, Uint8Array>): ModelNode {
  const [leaf, ...others] = leaves;
  if (leaf === undefined && path !== '') return NOTHING;
  if (leaf !== undefined && others.length === 0 && path !== '') return leafNode(leaf);
  const groups = Array.from({ length: 16 }, (): MapLeaf[] => []);
  for (const each of leaves) groups[nibbleOf(each.output, path.length)]?.push(each);
  const slots = groups.map((group, nibble) => {
    const only = group.length === 1 ? group[0] : undefined;
    return only === undefined ? pageNode(group, path + nibble.toString(16), pages) : leafNode(only);
  });
  pages.set(path, storedForm(slots));
  return fold(slots);
}

/** KEYTRANS: a range with nothing is 32 zero bytes, one with a single leaf is that leaf, wherever it floats up to. */
function fold(nodes: readonly ModelNode[]): ModelNode {
  const [only = NOTHING, ...others] = nodes;
  if (others.length === 0) return only;
  const half = nodes.length / 2;
  const [left, right] = [fold(nodes.slice(0, half)), fold(nodes.slice(half))];
  const count = left.count + right.count;
  if (count < 2) return left.count === 1 ? left : right;
  return { count, hash: sha256(3, left.hash, right.hash) };
}

function leafNode(leaf: MapLeaf): ModelNode {
  return { count: 1, hash: sha256(2, leaf.output, leaf.commitment), leaf };
}

/** Two bits for each slot (nothing, a leaf, more), then output and commitment of a leaf, or the hash of more. */
function storedForm(slots: readonly ModelNode[]): Uint8Array {
  const kinds = slots.map(({ count, leaf }) => (leaf !== undefined ? 1 : count === 0 ? 0 : 2));
  const head = Buffer.alloc(4);
  head.writeUInt32BE(kinds.reduce<number>((bits, kind) => bits * 4 + kind, 0));
  const bodies = slots.flatMap(({ count, hash, leaf }): Uint8Array[] => {
    if (leaf !== undefined) return [leaf.output, leaf.commitment];
    return count === 0 ? [] : [hash];
  });
  return Buffer.concat([head, ...bodies]);
}

function sha256(domain: number, one: Uint8Array, other: Uint8Array): Uint8Array {
  return createHash('sha256').update(Uint8Array.of(domain)).update(one).update(other).digest();
}
