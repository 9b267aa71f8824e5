/** A line in which keys take turns: of each key first come, first served. */
export class FairLine<Item> {
  /** In the order of their turns; none is empty. */
  readonly #lines = new Map<string, Item[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(key: string, item: Item): void {
    this.#size += 1;
    const line = this.#lines.get(key);
    if (line === undefined) this.#lines.set(key, [item]);
    else line.push(item);
  }

  /** The next in turn. */
  take(): Item | undefined {
    for (const [key, line] of this.#lines) {
      const item = line.shift();
      this.#size -= 1;
      this.#lines.delete(key);
      if (line.length > 0) this.#lines.set(key, line);
      return item;
    }
    return undefined;
  }

  /** Whether it was in the line. */
  remove(key: string, item: Item): boolean {
    const line = this.#lines.get(key);
    const index = line?.indexOf(item) ?? -1;
    if (line === undefined || index === -1) return false;
    line.splice(index, 1);
    this.#size -= 1;
    if (line.length === 0) this.#lines.delete(key);
    return true;
  }

  /** Takes out the newest of the key that has the most, if that are at least two more than `key` has. */
  displaceFor(key: string): Item | undefined {
    let longest: { key: string; line: Item[] } | undefined;
    for (const [each, line] of this.#lines) {
      if (line.length > (longest?.line.length ?? 0)) longest = { key: each, line };
    }
    const own = this.#lines.get(key)?.length ?? 0;
    if (longest === undefined || longest.line.length < own + 2) return undefined;
    this.#size -= 1;
    return longest.line.pop();
  }

  /** Everything, which leaves it empty. */
  clear(): Item[] {
    const items = [...this.#lines.values()].flat();
    this.#lines.clear();
    this.#size = 0;
    return items;
  }
}
