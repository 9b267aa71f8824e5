/** How many there are of each name: asking costs the same, however many there are. */
export interface Tally {
  /** Of all names together. */
  readonly all: number;
  of(name: string): number;
  add(name: string): void;
  /** One of those that were added. */
  remove(name: string): void;
}

export function createTally(): Tally {
  const counts = new Map<string, number>();
  let all = 0;
  const of = (name: string) => counts.get(name) ?? 0;
  return {
    get all() {
      return all;
    },
    of,
    add(name) {
      counts.set(name, of(name) + 1);
      all += 1;
    },
    remove(name) {
      const left = of(name) - 1;
      if (left < 0) throw new RangeError(`there is no ${name}`);
      if (left === 0) counts.delete(name);
      else counts.set(name, left);
      all -= 1;
    },
  };
}
