import { equalBytes } from '../bytes.ts';
import { HASH_BYTES } from '../tlog/merkle.ts';

/** Hashes, or numbers, of one block. */
const BLOCK = 4_096;

/** The subtrees of many trees, of which each is the one before and a little more: what they share is kept once. */
export class SubtreeLists {
  readonly #hashes: Uint8Array[] = [];
  #count = 0;
  /** Of all lists, one behind the other, where their hashes are. */
  readonly #places = new Numbers();
  /** Where each list begins there, and at the end where the next one will. */
  readonly #starts = new Numbers();

  constructor() {
    this.#starts.push(0);
  }

  /** Answers which list it is, from 0. */
  add(hashes: readonly Uint8Array[]): number {
    const list = this.#starts.length - 1;
    const before = list === 0 ? [] : this.#placesOf(list - 1);
    for (const [index, hash] of hashes.entries()) {
      const known = before[index];
      const same = known !== undefined && equalBytes(this.#hashAt(known), hash);
      this.#places.push(same ? known : this.#keep(hash));
    }
    this.#starts.push(this.#places.length);
    return list;
  }

  at(list: number): Uint8Array[] {
    return this.#placesOf(list).map((place) => this.#hashAt(place));
  }

  #placesOf(list: number): number[] {
    const [start, end] = [this.#starts.at(list), this.#starts.at(list + 1)];
    return Array.from({ length: end - start }, (_, index) => this.#places.at(start + index));
  }

  #keep(hash: Uint8Array): number {
    const place = this.#count;
    if (place % BLOCK === 0) this.#hashes.push(new Uint8Array(BLOCK * HASH_BYTES));
    this.#hashes.at(-1)?.set(hash, (place % BLOCK) * HASH_BYTES);
    this.#count += 1;
    return place;
  }

  #hashAt(place: number): Uint8Array {
    const start = (place % BLOCK) * HASH_BYTES;
    const block = this.#hashes[Math.floor(place / BLOCK)];
    return block?.subarray(start, start + HASH_BYTES) ?? new Uint8Array();
  }
}

/** Numbers below 2^32, in 4 bytes each. */
class Numbers {
  readonly #blocks: Uint32Array[] = [];
  length = 0;

  push(number: number): void {
    if (this.length % BLOCK === 0) this.#blocks.push(new Uint32Array(BLOCK));
    this.#blocks.at(-1)?.set([number], this.length % BLOCK);
    this.length += 1;
  }

  at(index: number): number {
    return this.#blocks[Math.floor(index / BLOCK)]?.[index % BLOCK] ?? 0;
  }
}
