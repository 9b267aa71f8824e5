/** Choices that a seed decides, so that a run can be had again. */
export interface RandomChoices {
  /** From 0 to `below` - 1. */
  number(below: number): number;
  /** Throws `RangeError` where there is nothing to choose from. */
  of<Item>(items: readonly Item[]): Item;
}

/** The generator mulberry32: 32 bits of state, enough to choose steps. */
export function choicesFrom(seed: number): RandomChoices {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const number = (below: number) => Math.floor(next() * below);
  return {
    number,
    of(items) {
      const item = items[number(items.length)];
      if (item === undefined) throw new RangeError('nothing to choose from');
      return item;
    },
  };
}
