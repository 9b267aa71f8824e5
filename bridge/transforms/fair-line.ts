/**
 * A line in which keys take turns: those of the first level, then within each of these those of the next one, and with
 * the same keys first come, first served. All paths of one line are equally long.
 */
export class FairLine<Item> {
  /** In the order of their turns; none is empty. */
  readonly #lines = new Map<string, FairLine<Item>>();
  /** Behind the last key. */
  readonly #items: Item[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add([key, ...rest]: readonly string[], item: Item): void {
    this.#size += 1;
    if (key === undefined) {
      this.#items.push(item);
      return;
    }
    const line = this.#lines.get(key) ?? new FairLine();
    line.add(rest, item);
    this.#lines.set(key, line);
  }

  /** The next in turn. */
  take(): Item | undefined {
    if (this.#size === 0) return undefined;
    this.#size -= 1;
    for (const [key, line] of this.#lines) {
      const item = line.take();
      this.#lines.delete(key);
      if (line.size > 0) this.#lines.set(key, line);
      return item;
    }
    return this.#items.shift();
  }

  /** Whether it was in the line. */
  remove([key, ...rest]: readonly string[], item: Item): boolean {
    const wasThere = key === undefined ? this.#removeHere(item) : this.#removeBelow(key, rest, item);
    if (wasThere) this.#size -= 1;
    return wasThere;
  }

  /**
   * Takes out the newest of the key that has the most, if that are at least two more than whoever asks has: of the first
   * level, or else, within their own, of the next one.
   */
  displaceFor([key, ...rest]: readonly string[]): Item | undefined {
    if (key === undefined) return undefined;
    const own = this.#lines.get(key);
    const [longest, line] = this.#longest() ?? [];
    if (longest !== undefined && line !== own && (line?.size ?? 0) >= (own?.size ?? 0) + 2) {
      return this.#within(longest, (most) => most.#takeNewest());
    }
    return this.#within(key, (mine) => mine.displaceFor(rest));
  }

  /** Everything, which leaves it empty. */
  clear(): Item[] {
    const items = [...[...this.#lines.values()].flatMap((line) => line.clear()), ...this.#items.splice(0)];
    this.#lines.clear();
    this.#size = 0;
    return items;
  }

  #removeHere(item: Item): boolean {
    const index = this.#items.indexOf(item);
    if (index !== -1) this.#items.splice(index, 1);
    return index !== -1;
  }

  #removeBelow(key: string, rest: readonly string[], item: Item): boolean {
    const line = this.#lines.get(key);
    const wasThere = line?.remove(rest, item) ?? false;
    if (line?.size === 0) this.#lines.delete(key);
    return wasThere;
  }

  /** The newest of whoever has the most, on every level. */
  #takeNewest(): Item | undefined {
    const [key] = this.#longest() ?? [];
    if (key !== undefined) return this.#within(key, (line) => line.#takeNewest());
    this.#size -= this.#items.length === 0 ? 0 : 1;
    return this.#items.pop();
  }

  /** Of several, the one whose turn is the last. */
  #longest(): [string, FairLine<Item>] | undefined {
    let longest: [string, FairLine<Item>] | undefined;
    for (const entry of this.#lines) if (entry[1].size >= (longest?.[1].size ?? 0)) longest = entry;
    return longest;
  }

  /** Takes something out below this key. */
  #within(key: string, take: (line: FairLine<Item>) => Item | undefined): Item | undefined {
    const line = this.#lines.get(key);
    if (line === undefined) return undefined;
    const before = line.size;
    const item = take(line);
    this.#size -= before - line.size;
    if (line.size === 0) this.#lines.delete(key);
    return item;
  }
}
