/** A set of `seq` that is filled rising, as ranges with both ends included. */
export class SeqRanges {
  readonly #ranges: { from: number; to: number }[] = [];
  #count = 0;

  add(seq: number): void {
    this.addRange(seq, seq);
  }

  addRange(from: number, to: number): void {
    this.#count += to - from + 1;
    const last = this.#ranges.at(-1);
    if (last?.to === from - 1) last.to = to;
    else this.#ranges.push({ from, to });
  }

  get count(): number {
    return this.#count;
  }

  get ranges(): readonly { readonly from: number; readonly to: number }[] {
    return this.#ranges;
  }
}
