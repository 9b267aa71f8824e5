import { hash as digest } from 'node:crypto';
import { CountersignError } from '../../protocol/errors.ts';

/**
 * The key map as pages: the prefix tree of KEYTRANS, four levels of it to a page. A page is named by its path, the
 * nibbles (hexadecimal) that the VRF outputs of all its leaves begin with. It has a slot for each next nibble. Pages
 * are there for prefixes of two leaves or more, and for the root; where one leaf is alone, it stands in the slot.
 *
 * The hash of a page is that of the tree's node at its path. It fixes everything below, so pages are the same for
 * ever under their hash, and a page that was read is checked by it.
 */

/** A leaf of the map: one version of one name. Both 32 bytes. */
export interface MapLeaf {
  readonly output: Uint8Array;
  readonly commitment: Uint8Array;
}

/** What a node of the tree is: nothing, a leaf that is alone below it, or what its hash says. */
export type MapNode =
  | { readonly kind: 'empty' }
  | ({ readonly kind: 'leaf' } & MapLeaf)
  | { readonly kind: 'subtree'; readonly hash: Uint8Array };

const SLOTS = 16;
/** Levels of the binary tree in a page. */
export const PAGE_LEVELS = 4;
const HASH_BYTES = 32;
const LEAF_BYTES = 64;
/** The nodes of a page in the order of a heap: the page itself at 1, its slots from 16 on. */
const NODES = 2 * SLOTS;

const EMPTY = 0;
const LEAF = 1;
const SUBTREE = 2;

/** How many bytes follow for a slot of this kind. */
const BODY_BYTES = [0, LEAF_BYTES, HASH_BYTES];

const NOTHING: MapNode = { kind: 'empty' };

/** One page, immutable. Its stored form: two bits for each slot's kind (u32), then what the slots hold. */
export class MapPage {
  readonly bytes: Uint8Array;
  readonly #offsets = new Uint16Array(SLOTS);
  /** Hashes of the nodes, and of a lone leaf its slot + 1: filled when first asked for. */
  #hashes: Uint8Array | undefined;
  readonly #lone = new Uint8Array(NODES);
  readonly #kinds = new Uint8Array(NODES);

  private constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    let offset = 4;
    for (let slot = 0; slot < SLOTS; slot++) {
      const kind = ((bytes[slot >> 2] ?? 0) >> (6 - 2 * (slot & 3))) & 3;
      const length = BODY_BYTES[kind];
      if (length === undefined) throw broken('a slot of a page is of no known kind');
      this.#kinds[SLOTS + slot] = kind;
      this.#lone[SLOTS + slot] = kind === LEAF ? slot + 1 : 0;
      this.#offsets[slot] = offset;
      offset += length;
    }
    if (offset !== bytes.length) throw broken('a page has another length than its slots');
  }

  /** Throws `internal` for bytes that are no page. */
  static parse(bytes: Uint8Array): MapPage {
    return new MapPage(bytes);
  }

  /** @param slots - 16 of them */
  static of(slots: readonly MapNode[]): MapPage {
    const length = slots.reduce((sum, slot) => sum + (BODY_BYTES[kindOf(slot)] ?? 0), 4);
    const bytes = new Uint8Array(length);
    let offset = 4;
    for (const [index, slot] of slots.entries()) {
      bytes[index >> 2] = (bytes[index >> 2] ?? 0) | (kindOf(slot) << (6 - 2 * (index & 3)));
      if (slot.kind === 'leaf') {
        bytes.set(slot.output, offset);
        bytes.set(slot.commitment, offset + HASH_BYTES);
      } else if (slot.kind === 'subtree') {
        bytes.set(slot.hash, offset);
      }
      offset += BODY_BYTES[kindOf(slot)] ?? 0;
    }
    return new MapPage(bytes);
  }

  slot(nibble: number): MapNode {
    return this.node(PAGE_LEVELS, nibble);
  }

  slots(): MapNode[] {
    return Array.from({ length: SLOTS }, (_, nibble) => this.slot(nibble));
  }

  /** Of the tree's node at the page's path; `EMPTY_NODE` for the page of an empty tree. */
  get hash(): Uint8Array {
    return this.#hashOf(1);
  }

  /** The node `level` levels below the page's own (0 to 4), the `index`-th of its level. */
  node(level: number, index: number): MapNode {
    const at = (1 << level) + index;
    if (level < PAGE_LEVELS) this.#fold();
    const lone = this.#lone[at] ?? 0;
    if (lone > 0) return this.#leafIn(lone - 1);
    return this.#kinds[at] === EMPTY ? NOTHING : { kind: 'subtree', hash: this.#hashOf(at) };
  }

  /** The hash of that node; 32 zero bytes where nothing is. */
  value(level: number, index: number): Uint8Array {
    return this.#hashOf((1 << level) + index);
  }

  #leafIn(slot: number): MapNode {
    const offset = this.#offsets[slot] ?? 0;
    return {
      kind: 'leaf',
      output: this.bytes.subarray(offset, offset + HASH_BYTES),
      commitment: this.bytes.subarray(offset + HASH_BYTES, offset + LEAF_BYTES),
    };
  }

  #hashOf(at: number): Uint8Array {
    return this.#fold().subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
  }

  /** KEYTRANS: a node with nothing but one leaf below it is that leaf; an absent child counts as 32 zero bytes. */
  #fold(): Uint8Array {
    if (this.#hashes !== undefined) return this.#hashes;
    const hashes = new Uint8Array(NODES * HASH_BYTES);
    this.#hashes = hashes;
    for (let slot = 0; slot < SLOTS; slot++) {
      const kind = this.#kinds[SLOTS + slot];
      const offset = this.#offsets[slot] ?? 0;
      if (kind === SUBTREE) {
        hashes.set(this.bytes.subarray(offset, offset + HASH_BYTES), (SLOTS + slot) * HASH_BYTES);
      } else if (kind === LEAF) {
        hashes.set(hashMapLeaf(this.bytes, offset), (SLOTS + slot) * HASH_BYTES);
      }
    }
    for (let at = SLOTS - 1; at >= 1; at--) this.#foldNode(hashes, at);
    return hashes;
  }

  #foldNode(hashes: Uint8Array, at: number): void {
    const [left, right] = [2 * at, 2 * at + 1];
    const [leftKind, rightKind] = [this.#kinds[left] ?? EMPTY, this.#kinds[right] ?? EMPTY];
    if (leftKind === EMPTY && rightKind === EMPTY) return;
    const floating = rightKind === EMPTY ? left : leftKind === EMPTY ? right : undefined;
    if (floating !== undefined && this.#kinds[floating] === LEAF) {
      this.#kinds[at] = LEAF;
      this.#lone[at] = this.#lone[floating] ?? 0;
      hashes.copyWithin(at * HASH_BYTES, floating * HASH_BYTES, (floating + 1) * HASH_BYTES);
      return;
    }
    this.#kinds[at] = SUBTREE;
    hashes.set(hashParent(hashes, left * HASH_BYTES), at * HASH_BYTES);
  }
}

/** The `depth`-th nibble of a VRF output. */
export function nibbleOf(output: Uint8Array, depth: number): number {
  const byte = output[depth >> 1] ?? 0;
  return depth % 2 === 0 ? byte >> 4 : byte & 15;
}

/** The path of the page `depth` nibbles down towards an output. */
export function pathTo(output: Uint8Array, depth: number): string {
  let path = '';
  for (let index = 0; index < depth; index++) path += nibbleOf(output, index).toString(16);
  return path;
}

export interface MapChange {
  /** The tree's root with the new leaves. */
  readonly root: Uint8Array;
  /** The pages that are new or different, by path. */
  readonly pages: ReadonlyMap<string, MapPage>;
}

/**
 * Adds leaves to the tree whose pages `pageAt` knows: those on the way to each of the leaves must be there. Throws
 * `conflict` for an output that is in the tree already, or twice among the new.
 */
export function addLeaves(
  pageAt: (path: string) => MapPage | undefined,
  leaves: readonly MapLeaf[],
): MapChange {
  const pages = new Map<string, MapPage>();

  function addTo(path: string, page: MapPage | undefined, added: readonly MapLeaf[]): MapPage {
    const slots = page?.slots() ?? new Array<MapNode>(SLOTS).fill(NOTHING);
    for (const [nibble, group] of byNibble(added, path.length)) {
      slots[nibble] = fill(`${path}${nibble.toString(16)}`, slots[nibble] ?? NOTHING, group);
    }
    const changed = MapPage.of(slots);
    pages.set(path, changed);
    return changed;
  }

  function fill(path: string, slot: MapNode, added: readonly MapLeaf[]): MapNode {
    const [only, ...others] = added;
    if (slot.kind === 'empty' && only !== undefined && others.length === 0) return { kind: 'leaf', ...only };
    if (slot.kind === 'subtree') {
      const page = pageAt(path);
      if (page === undefined) throw broken(`the page ${path} of the key map is missing`);
      return { kind: 'subtree', hash: addTo(path, page, added).hash };
    }
    // Equal outputs would never part.
    if (path.length === 2 * HASH_BYTES) {
      throw new CountersignError('conflict', 'this version stands in the key map already');
    }
    const together = slot.kind === 'leaf' ? [slot, ...added] : added;
    return { kind: 'subtree', hash: addTo(path, undefined, together).hash };
  }

  const root = addTo('', pageAt(''), leaves);
  return { root: root.hash, pages };
}

function byNibble(leaves: readonly MapLeaf[], depth: number): Map<number, MapLeaf[]> {
  const groups = new Map<number, MapLeaf[]>();
  for (const leaf of leaves) {
    const nibble = nibbleOf(leaf.output, depth);
    const group = groups.get(nibble);
    if (group === undefined) groups.set(nibble, [leaf]);
    else group.push(leaf);
  }
  return groups;
}

function kindOf(node: MapNode): number {
  return node.kind === 'empty' ? EMPTY : node.kind === 'leaf' ? LEAF : SUBTREE;
}

/** Overwritten by each hash: a page has up to 31 of them, and a look-up several pages. */
const scratch = Buffer.alloc(1 + LEAF_BYTES);

/** H(0x02 ‖ output ‖ commitment) of the 64 bytes at `offset`. */
function hashMapLeaf(bytes: Uint8Array, offset: number): Uint8Array {
  return hashOfPair(2, bytes, offset);
}

/** H(0x03 ‖ left ‖ right) of the 64 bytes at `offset`. */
function hashParent(bytes: Uint8Array, offset: number): Uint8Array {
  return hashOfPair(3, bytes, offset);
}

function hashOfPair(domain: number, bytes: Uint8Array, offset: number): Uint8Array {
  scratch[0] = domain;
  scratch.set(bytes.subarray(offset, offset + LEAF_BYTES), 1);
  return digest('sha256', scratch, 'buffer');
}

function broken(message: string): CountersignError {
  return new CountersignError('internal', undefined, { cause: new Error(message) });
}
