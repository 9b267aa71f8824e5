import { CountersignError } from '../errors.ts';
import { hashNode, type Sha256 } from './merkle.ts';
import { type NodeId, rootOf } from './merkle-proof.ts';

/**
 * The complete subtrees, left to right, that the leaves from `start` up to, and without, `end` are made of: at most
 * two of each level. Those of a whole tree (`start` 0) are `rootNodes`. Throws `log_proof` for no range.
 */
export function completeSubtrees(start: number, end: number): NodeId[] {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || start > end) {
    throw new CountersignError('log_proof', 'the range of leaves is none');
  }
  const nodes: NodeId[] = [];
  for (let next = start; next < end; ) {
    let level = 0;
    while (next % 2 ** (level + 1) === 0 && next + 2 ** (level + 1) <= end) level++;
    nodes.push({ level, index: next / 2 ** level });
    next += 2 ** level;
  }
  return nodes;
}

interface Subtree {
  readonly level: number;
  readonly hash: Uint8Array;
}

/**
 * A tree that is put together from the left, of leaves and of complete subtrees whose leaves are not at hand. It keeps
 * a hash for each bit of its size. What it is given may come from an attacker: only the root says whether it was right.
 */
export class CompactRange {
  readonly #sha256: Sha256 | undefined;
  readonly #subtrees: Subtree[] = [];
  #size = 0;

  constructor(sha256?: Sha256) {
    this.#sha256 = sha256;
  }

  /** Leaves so far. */
  get size(): number {
    return this.#size;
  }

  /** Puts the hashes of these subtrees behind what there is. Throws `log_proof` where they do not fit there. */
  append(nodes: readonly NodeId[], hashes: readonly Uint8Array[]): void {
    if (nodes.length !== hashes.length)
      throw new CountersignError('log_proof', 'there are not as many hashes');
    for (const [index, { level, index: place }] of nodes.entries()) {
      const hash = hashes[index];
      if (hash === undefined || place * 2 ** level !== this.#size) {
        throw new CountersignError('log_proof', 'a subtree does not begin where the ones before it end');
      }
      this.#push({ level, hash });
    }
  }

  /** @param hash - of the leaf (`hashLeaf`) */
  appendLeaf(hash: Uint8Array): void {
    this.#push({ level: 0, hash });
  }

  root(): Uint8Array {
    return rootOf(
      this.#subtrees.map(({ hash }) => hash),
      this.#sha256,
    );
  }

  #push(subtree: Subtree): void {
    let { level, hash } = subtree;
    this.#size += 2 ** level;
    for (let left = this.#subtrees.at(-1); left?.level === level; left = this.#subtrees.at(-1)) {
      this.#subtrees.pop();
      hash = hashNode(left.hash, hash, this.#sha256);
      level += 1;
    }
    this.#subtrees.push({ level, hash });
  }
}
