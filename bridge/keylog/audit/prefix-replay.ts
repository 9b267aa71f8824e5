import { DIGEST, hashInto } from './fast-hash.ts';

/**
 * The map's prefix tree as an auditor holds it: all of it in memory, in flat arrays, made to take entries one by one
 * and to answer its root at each epoch.
 *
 * Only the nodes with two children are kept (one fewer than there are leaves, whatever the outputs are); a chain of
 * nodes with one child, which a log could make 255 long by choosing its outputs, is hashed when it changes and costs
 * no memory. Some 110 bytes for each entry.
 */
export interface PrefixReplay {
  /** How many leaves there are. */
  readonly leaves: number;
  /** Adds a leaf; false, and nothing done, if one with this output is there. Both have 32 bytes. */
  add(output: Uint8Array, commitment: Uint8Array): boolean;
  /** Which of the leaves, in the order they were added, has this output. */
  find(output: Uint8Array): number | undefined;
  /** The root over everything added, 32 bytes of the caller's. Hashes each node that changed since the last call once. */
  root(): Buffer;
}

const WORDS = DIGEST / 4;
const LEAF = 2;
const PARENT = 3;
const FIRST_CAPACITY = 1_024;
/** No leaf differs from another further down. */
const DEEPEST = 8 * DIGEST;

/** An empty tree (KEYTRANS prefix tree: its root, like each missing child, is 32 zero bytes). */
export function createPrefixReplay(): PrefixReplay {
  let capacity = FIRST_CAPACITY;
  let outputs = Buffer.alloc(capacity * DIGEST);
  let leafHashes = words(capacity);
  // Inner nodes, by the order in which they were made. A child is an inner node's number, or ~number of a leaf.
  let hashes = words(capacity);
  let left = new Int32Array(capacity);
  let right = new Int32Array(capacity);
  /** The bit by which the two children differ. */
  let depths = new Uint8Array(capacity);
  /** A leaf somewhere below: its first bits are those of all. */
  let samples = new Int32Array(capacity);
  let changed = new Uint8Array(capacity);

  let leaves = 0;
  let inner = 0;
  let top = 0;
  const path = new Int32Array(DEEPEST);
  const input = hashInput();
  const digest = words(1);

  function grow(): void {
    capacity *= 2;
    outputs = Buffer.concat([outputs, Buffer.alloc(outputs.length)]);
    leafHashes = grown(leafHashes, words(capacity));
    hashes = grown(hashes, words(capacity));
    left = grown(left, new Int32Array(capacity));
    right = grown(right, new Int32Array(capacity));
    depths = grown(depths, new Uint8Array(capacity));
    samples = grown(samples, new Int32Array(capacity));
    changed = grown(changed, new Uint8Array(capacity));
  }

  /** Follows the bits of `output` to a leaf, noting the inner nodes on the way; answers the leaf's number. */
  function descend(output: Uint8Array): { leaf: number; steps: number } {
    let node = top;
    let steps = 0;
    while (node >= 0) {
      path[steps] = node;
      steps += 1;
      node = (bit(output, 0, depths[node] ?? 0) ? right[node] : left[node]) ?? 0;
    }
    return { leaf: ~node, steps };
  }

  /** Puts a new inner node above what stood at `path[above]`, or above the leaf that was found. */
  function branch(depth: number, at: { leaf: number; steps: number }, output: Uint8Array): void {
    let above = 0;
    while (above < at.steps && (depths[path[above] ?? 0] ?? 0) < depth) {
      changed[path[above] ?? 0] = 1;
      above += 1;
    }
    const below = above < at.steps ? (path[above] ?? 0) : ~at.leaf;
    // The chain above it is cut here, so its hash as its parent sees it changes.
    if (below >= 0) changed[below] = 1;
    const goesRight = bit(output, 0, depth);
    left[inner] = goesRight ? below : ~leaves;
    right[inner] = goesRight ? ~leaves : below;
    depths[inner] = depth;
    samples[inner] = leaves;
    changed[inner] = 1;
    if (above === 0) top = inner;
    else {
      const parent = path[above - 1] ?? 0;
      if (bit(output, 0, depths[parent] ?? 0)) right[parent] = inner;
      else left[parent] = inner;
    }
    inner += 1;
  }

  function update(node: number, parentDepth: number): void {
    if (node < 0 || changed[node] === 0) return;
    const depth = depths[node] ?? 0;
    const [one, two] = [left[node] ?? 0, right[node] ?? 0];
    update(one, depth);
    update(two, depth);
    input.bytes[0] = PARENT;
    copyWords(one < 0 ? leafHashes : hashes, one < 0 ? ~one : one, input.words, 0);
    copyWords(two < 0 ? leafHashes : hashes, two < 0 ? ~two : two, input.words, 1);
    hashInto(digest.bytes, 0, input.bytes);
    for (let level = depth - 1; level > parentDepth; level--) {
      const side = bit(outputs, (samples[node] ?? 0) * DIGEST, level) ? 1 : 0;
      input.words.list.fill(0);
      copyWords(digest, 0, input.words, side);
      hashInto(digest.bytes, 0, input.bytes);
    }
    copyWords(digest, 0, hashes, node);
    changed[node] = 0;
  }

  return {
    get leaves() {
      return leaves;
    },
    add(output, commitment) {
      if (leaves === capacity) grow();
      if (leaves === 0) top = ~0;
      else {
        const at = descend(output);
        const depth = firstDifference(output, outputs, at.leaf * DIGEST);
        if (depth === undefined) return false;
        branch(depth, at, output);
      }
      outputs.set(output, leaves * DIGEST);
      input.bytes[0] = LEAF;
      input.bytes.set(output, 1);
      input.bytes.set(commitment, 1 + DIGEST);
      hashInto(leafHashes.bytes, leaves * DIGEST, input.bytes);
      leaves += 1;
      return true;
    },
    find(output) {
      if (leaves === 0) return undefined;
      const { leaf } = descend(output);
      return firstDifference(output, outputs, leaf * DIGEST) === undefined ? leaf : undefined;
    },
    root() {
      if (leaves === 0) return Buffer.alloc(DIGEST);
      update(top, -1);
      const at = (top < 0 ? ~top : top) * DIGEST;
      return Buffer.from((top < 0 ? leafHashes : hashes).bytes.subarray(at, at + DIGEST));
    },
  };
}

/** Hashes side by side, as bytes and as the words that are copied in one step each. */
interface HashArray {
  readonly bytes: Buffer;
  readonly list: Uint32Array;
}

function words(count: number): HashArray {
  const memory = new ArrayBuffer(count * DIGEST);
  return { bytes: Buffer.from(memory), list: new Uint32Array(memory) };
}

function copyWords(from: HashArray, index: number, to: HashArray, target: number): void {
  for (let word = 0; word < WORDS; word++) {
    to.list[target * WORDS + word] = from.list[index * WORDS + word] ?? 0;
  }
}

/** What is hashed: one byte that tells a leaf from a parent, then two hashes, which lie so that words fit. */
function hashInput(): { bytes: Buffer; words: HashArray } {
  const memory = new ArrayBuffer(4 + 2 * DIGEST);
  const list = new Uint32Array(memory, 4);
  return { bytes: Buffer.from(memory, 3), words: { bytes: Buffer.from(memory, 4), list } };
}

function grown<Target extends HashArray | Int32Array | Uint8Array>(old: Target, larger: Target): Target {
  if ('list' in old && 'list' in larger) larger.list.set(old.list);
  else if (!('list' in old) && !('list' in larger)) larger.set(old);
  return larger;
}

/** Bit `index` of the 32 bytes at `offset`, the most significant of a byte first. */
function bit(bytes: Uint8Array, offset: number, index: number): boolean {
  return (((bytes[offset + (index >> 3)] ?? 0) >> (7 - (index & 7))) & 1) === 1;
}

function firstDifference(output: Uint8Array, others: Uint8Array, offset: number): number | undefined {
  for (let index = 0; index < DIGEST; index++) {
    const difference = (output[index] ?? 0) ^ (others[offset + index] ?? 0);
    if (difference !== 0) return 8 * index + Math.clz32(difference) - 24;
  }
  return undefined;
}
