import { equalBytes } from '../bytes.ts';
import { HASH_BYTES } from '../tlog/merkle.ts';

/** Hashes of one block. */
const BLOCK = 1_024;

/** The subtrees of many trees, of which each is the one before and a little more: what they share is kept once. */
export class SubtreeLists {
  readonly #blocks: Uint8Array[] = [];
  #count = 0;
  /** Of each list, where its hashes are. */
  readonly #lists: Uint32Array[] = [];

  /** Answers where the list is, from 0. */
  add(hashes: readonly Uint8Array[]): number {
    const before = this.#lists.at(-1);
    const places = hashes.map((hash, index) => {
      const known = before?.[index];
      return known !== undefined && equalBytes(this.#hashAt(known), hash) ? known : this.#keep(hash);
    });
    return this.#lists.push(Uint32Array.from(places)) - 1;
  }

  at(list: number): Uint8Array[] {
    return [...(this.#lists[list] ?? [])].map((place) => this.#hashAt(place));
  }

  #keep(hash: Uint8Array): number {
    const place = this.#count;
    if (place % BLOCK === 0) this.#blocks.push(new Uint8Array(BLOCK * HASH_BYTES));
    this.#blocks.at(-1)?.set(hash, (place % BLOCK) * HASH_BYTES);
    this.#count += 1;
    return place;
  }

  #hashAt(place: number): Uint8Array {
    const start = (place % BLOCK) * HASH_BYTES;
    const block = this.#blocks[Math.floor(place / BLOCK)];
    return block?.subarray(start, start + HASH_BYTES) ?? new Uint8Array();
  }
}
