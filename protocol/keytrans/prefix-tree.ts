import { concatBytes, equalBytes } from '../bytes.ts';
import { CountersignError } from '../errors.ts';
import { sha256 } from '../hash.ts';

/**
 * The prefix tree of IETF KEYTRANS: a binary tree over the bits of VRF outputs, the first bit (the highest of byte 0) at
 * the root. A leaf stands at the shallowest place where it is alone below, so a single leaf is the root; a place with no
 * leaf below it is empty.
 */

/** The value of an empty place, and the root of an empty tree. */
export const EMPTY_NODE = new Uint8Array(32);

const HASH_BYTES = 32;
const OUTPUT_BITS = 256;
/** The depth of a result is one byte. */
const DEPTH_MAX = 255;

/** H(0x02 ‖ vrf_output ‖ commitment). */
export function hashPrefixLeaf(output: Uint8Array, commitment: Uint8Array): Uint8Array {
  return sha256(concatBytes(Uint8Array.of(2), bytes32(output), bytes32(commitment)));
}

/** H(0x03 ‖ left ‖ right). */
export function hashPrefixParent(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concatBytes(Uint8Array.of(3), bytes32(left), bytes32(right)));
}

/** The bit of an output that decides between left (0) and right (1) at a parent of this depth. */
export function outputBit(output: Uint8Array, depth: number): 0 | 1 {
  return ((output[depth >> 3] ?? 0) >> (7 - (depth & 7))) & 1 ? 1 : 0;
}

export interface PrefixLeaf {
  readonly output: Uint8Array;
  readonly commitment: Uint8Array;
}

/** Where one search ends, `depth` levels below the root: at its leaf, at another leaf, or at an empty place. */
export type PrefixResult =
  | { readonly kind: 'inclusion'; readonly depth: number }
  | { readonly kind: 'other-leaf'; readonly leaf: PrefixLeaf; readonly depth: number }
  | { readonly kind: 'empty'; readonly depth: number };

/** PrefixProof: a result for each search, in the searches' order, and the hashes beside their paths, left to right. */
export interface PrefixProof {
  readonly results: readonly PrefixResult[];
  readonly elements: readonly Uint8Array[];
}

/** What is searched: with a commitment, that this leaf is in the tree; without one, that no leaf has this output. */
export interface PrefixSearch {
  readonly output: Uint8Array;
  readonly commitment?: Uint8Array | undefined;
}

/**
 * The root that follows from one proof of several searches. Throws `log_proof` if a result is not what its search
 * claims, if results contradict each other, or if an element is missing or left over. What the root is worth is the
 * caller's to compare.
 */
export function rootFromPrefixProof(proof: PrefixProof, searches: readonly PrefixSearch[]): Uint8Array {
  if (searches.length === 0 || searches.length !== proof.results.length) {
    throw refused('the proof has another number of results than searches');
  }
  const ends = searches.map((search, index) => endOf(search, proof.results[index]));
  const elements = proof.elements.values();
  const root = evaluate(ends, 0, elements);
  if (elements.next().done !== true) throw refused('an element of the proof is left over');
  return root;
}

/** A place in the tree whose value the proof settles. */
interface End {
  /** Its first `depth` bits are the way there. */
  readonly path: Uint8Array;
  readonly depth: number;
  readonly value: Uint8Array;
}

function endOf({ output, commitment }: PrefixSearch, result: PrefixResult | undefined): End {
  bytes32(output);
  if (result === undefined || (result.kind === 'inclusion') !== (commitment !== undefined)) {
    throw refused('a result is not the one that is claimed');
  }
  const { depth } = result;
  if (!Number.isInteger(depth) || depth < 0 || depth > DEPTH_MAX) throw refused('a search ends at no depth');
  if (result.kind === 'inclusion' && commitment !== undefined) {
    return { path: output, depth, value: hashPrefixLeaf(output, commitment) };
  }
  if (result.kind !== 'other-leaf') return { path: output, depth, value: EMPTY_NODE };
  const { leaf } = result;
  if (equalBytes(leaf.output, output)) throw refused('the other leaf is the one that should be absent');
  if (sharedBits(leaf.output, output) < depth) throw refused('the other leaf is not on the way');
  return { path: output, depth, value: hashPrefixLeaf(leaf.output, leaf.commitment) };
}

/** The value of the place at `depth` under which all of `ends` lie. */
function evaluate(ends: readonly End[], depth: number, elements: Iterator<Uint8Array>): Uint8Array {
  const [first] = ends;
  if (first === undefined) return nextElement(elements);
  if (ends.some((end) => end.depth === depth)) {
    if (!ends.every((end) => end.depth === depth && equalBytes(end.value, first.value))) {
      throw refused('two results contradict each other');
    }
    return first.value;
  }
  const [left, right] = divide(ends, depth);
  const leftValue = evaluate(left, depth + 1, elements);
  return hashPrefixParent(leftValue, evaluate(right, depth + 1, elements));
}

function nextElement(elements: Iterator<Uint8Array>): Uint8Array {
  const next = elements.next();
  if (next.done === true) throw refused('an element of the proof is missing');
  return bytes32(next.value);
}

function divide<Item extends { readonly path: Uint8Array }>(
  items: readonly Item[],
  depth: number,
): [Item[], Item[]] {
  const sides: [Item[], Item[]] = [[], []];
  for (const item of items) sides[outputBit(item.path, depth)].push(item);
  return sides;
}

function sharedBits(one: Uint8Array, other: Uint8Array): number {
  for (let depth = 0; depth < OUTPUT_BITS; depth++) {
    if (outputBit(one, depth) !== outputBit(other, depth)) return depth;
  }
  return OUTPUT_BITS;
}

/** A node, and the values of a parent's two children (`EMPTY_NODE` for an empty one). */
export type PrefixNode =
  | { readonly kind: 'empty' }
  | { readonly kind: 'leaf'; readonly output: Uint8Array; readonly commitment: Uint8Array }
  | { readonly kind: 'parent'; readonly left: Uint8Array; readonly right: Uint8Array };

/**
 * Reads a stored tree. `node` answers the node `depth` levels below the root on the way that the first `depth` bits of
 * `path` (32 bytes; `outputBit` reads them) name. It is asked for the root (depth 0) first, and for children only of a
 * node that it called a parent; a leaf is reported at the shallowest place where it is alone. It may throw for what it
 * has not at hand.
 */
export interface PrefixReader {
  node(depth: number, path: Uint8Array): PrefixNode;
}

/**
 * One proof for several outputs, in their order, whether each is in the tree or not; at most 255, none twice. Each node
 * on a way is read once.
 */
export function proveFromTree(reader: PrefixReader, outputs: readonly Uint8Array[]): PrefixProof {
  const elements: Uint8Array[] = [];
  const results = new Map<Uint8Array, PrefixResult>();
  descend(
    reader,
    outputs.map((path) => ({ path })),
    0,
    { elements, results },
  );
  return { results: outputs.map((output) => found(results.get(output))), elements };
}

interface Gathered {
  readonly elements: Uint8Array[];
  readonly results: Map<Uint8Array, PrefixResult>;
}

function descend(
  reader: PrefixReader,
  searches: readonly { path: Uint8Array }[],
  depth: number,
  gathered: Gathered,
): void {
  const [first] = searches;
  if (first === undefined) return;
  const node = reader.node(depth, first.path);
  if (node.kind !== 'parent') {
    for (const { path } of searches) gathered.results.set(path, resultAt(node, path, depth));
    return;
  }
  const [left, right] = divide(searches, depth);
  if (left.length === 0) gathered.elements.push(node.left);
  descend(reader, left, depth + 1, gathered);
  if (right.length === 0) gathered.elements.push(node.right);
  descend(reader, right, depth + 1, gathered);
}

function resultAt(
  node: Exclude<PrefixNode, { kind: 'parent' }>,
  output: Uint8Array,
  depth: number,
): PrefixResult {
  if (node.kind === 'empty') return { kind: 'empty', depth };
  if (equalBytes(node.output, output)) return { kind: 'inclusion', depth };
  return { kind: 'other-leaf', leaf: { output: node.output, commitment: node.commitment }, depth };
}

function found(result: PrefixResult | undefined): PrefixResult {
  if (result === undefined) throw new CountersignError('internal');
  return result;
}

function bytes32(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== HASH_BYTES) throw refused('a hash, output or commitment is not 32 bytes');
  return bytes;
}

function refused(detail: string): CountersignError {
  return new CountersignError('log_proof', detail);
}
