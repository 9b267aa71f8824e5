import { HASH_BYTES } from '../tlog/merkle.ts';

/** Hashes of one page. */
const PAGE = 256;

interface Page {
  readonly hashes: Uint8Array;
  readonly there: Uint8Array;
}

/** A hash for each of many `seq`s that mostly follow one another, in little more than 32 bytes each. */
export class SeqHashes {
  readonly #pages = new Map<number, Page>();

  get(seq: number): Uint8Array | undefined {
    const page = this.#pages.get(Math.floor(seq / PAGE));
    const index = seq % PAGE;
    if (page?.there[index] !== 1) return undefined;
    return page.hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
  }

  set(seq: number, hash: Uint8Array): void {
    const number = Math.floor(seq / PAGE);
    const page = this.#pages.get(number) ?? {
      ...{ hashes: new Uint8Array(PAGE * HASH_BYTES), there: new Uint8Array(PAGE) },
    };
    this.#pages.set(number, page);
    const index = seq % PAGE;
    page.hashes.set(hash, index * HASH_BYTES);
    page.there[index] = 1;
  }
}
