import { equalBytes } from '../bytes.ts';

/** Rows of one block: some hundred kB, so that a short copy takes no more. */
const BLOCK = 4_096;

/** Different rows of one `seq` that are kept: whoever invents more has long been found out. */
const ROWS_OF_ONE = 16;

interface Block {
  readonly seqs: Float64Array;
  readonly bytes: Uint8Array;
}

/**
 * Rows of a `seq` and so many bytes each, in little more memory than that. They come in any order and repeatedly, are
 * read in the order of `seq`, and of one `seq` in the order in which they came; equal ones count once.
 */
export class SeqRows {
  readonly #width: number;
  readonly #blocks: Block[] = [];
  #count = 0;
  /** Rows in their order; `undefined` as long as they came in it. */
  #order: Uint32Array | undefined;
  #sorted = true;
  /** Place of the row that was looked for last: most look for the next one. */
  #hint = 0;

  /** @param width - bytes of each row */
  constructor(width: number) {
    this.#width = width;
  }

  add(seq: number, bytes: Uint8Array): void {
    if (this.#sorted && this.#order === undefined) {
      const last = this.#count === 0 ? 0 : this.#seqOf(this.#count - 1);
      if (seq <= last && this.#isKnown(seq, bytes)) return;
      this.#sorted = seq >= last;
    } else this.#sorted = false;
    const { seqs, bytes: kept } = this.#blockFor(this.#count);
    const index = this.#count % BLOCK;
    seqs[index] = seq;
    kept.set(bytes, index * this.#width);
    this.#count += 1;
  }

  /** Rows, equal ones once. */
  get count(): number {
    this.#arrange();
    return this.#order?.length ?? this.#count;
  }

  /** The `seq` of the row at this place, from 0. */
  seqAt(place: number): number {
    this.#arrange();
    return this.#seqOf(this.#rowAt(place));
  }

  /** Its bytes: not to be changed. */
  bytesAt(place: number): Uint8Array {
    this.#arrange();
    return this.#bytesOf(this.#rowAt(place));
  }

  /** The bytes of all rows of this `seq`. */
  at(seq: number): Uint8Array[] {
    const found: Uint8Array[] = [];
    const count = this.count;
    for (let place = this.#find(seq); place < count && this.seqAt(place) === seq; place++) {
      found.push(this.bytesAt(place));
    }
    return found;
  }

  /** Every `seq` of which there is a row, once, rising. */
  *seqs(): Generator<number, void> {
    let last: number | undefined;
    for (let place = 0; place < this.count; place++) {
      const seq = this.seqAt(place);
      if (seq !== last) yield seq;
      last = seq;
    }
  }

  #isKnown(seq: number, bytes: Uint8Array): boolean {
    const known = this.at(seq);
    return known.length >= ROWS_OF_ONE || known.some((row) => equalBytes(row, bytes));
  }

  /** The first place whose `seq` is not less. */
  #find(seq: number): number {
    const count = this.count;
    let [low, high] = [0, count];
    for (const near of [this.#hint, this.#hint + 1]) {
      if (near >= count) break;
      if (this.seqAt(near) < seq) low = Math.max(low, near + 1);
      else high = Math.min(high, near);
    }
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.seqAt(middle) < seq) low = middle + 1;
      else high = middle;
    }
    this.#hint = low;
    return low;
  }

  #arrange(): void {
    if (this.#sorted) return;
    this.#sorted = true;
    const order = Uint32Array.from({ length: this.#count }, (_, row) => row);
    order.sort((left, right) => this.#seqOf(left) - this.#seqOf(right) || left - right);
    this.#order = order;
    let kept = 0;
    for (const row of order) {
      if (this.#repeats(order, kept, row)) continue;
      order[kept] = row;
      kept += 1;
    }
    this.#order = order.subarray(0, kept);
    this.#hint = 0;
  }

  /** Whether one of the rows that are kept so far equals this one, or there are as many of its `seq` as are kept. */
  #repeats(order: Uint32Array, kept: number, row: number): boolean {
    const seq = this.#seqOf(row);
    const bytes = this.#bytesOf(row);
    for (let back = 1; back <= kept; back++) {
      const other = order[kept - back] ?? 0;
      if (this.#seqOf(other) !== seq) return false;
      if (back === ROWS_OF_ONE || equalBytes(this.#bytesOf(other), bytes)) return true;
    }
    return false;
  }

  #rowAt(place: number): number {
    return this.#order === undefined ? place : (this.#order[place] ?? 0);
  }

  #seqOf(row: number): number {
    return this.#blockOf(row).seqs[row % BLOCK] ?? 0;
  }

  #bytesOf(row: number): Uint8Array {
    const start = (row % BLOCK) * this.#width;
    return this.#blockOf(row).bytes.subarray(start, start + this.#width);
  }

  #blockOf(row: number): Block {
    const block = this.#blocks[Math.floor(row / BLOCK)];
    if (block === undefined) throw new RangeError('there is no such row');
    return block;
  }

  #blockFor(row: number): Block {
    const known = this.#blocks[Math.floor(row / BLOCK)];
    if (known !== undefined) return known;
    const block = { seqs: new Float64Array(BLOCK), bytes: new Uint8Array(BLOCK * this.#width) };
    this.#blocks.push(block);
    return block;
  }
}
