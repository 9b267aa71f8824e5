import type { MapPage } from './map-pages.ts';

/** The pages that were read or written last, under their hashes: what has a hash never changes. */
export class PageCache {
  readonly #pages = new Map<string, MapPage>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(hash: Uint8Array): MapPage | undefined {
    const name = nameOf(hash);
    const page = this.#pages.get(name);
    if (page === undefined) return undefined;
    this.#pages.delete(name);
    this.#pages.set(name, page);
    return page;
  }

  add(page: MapPage): void {
    this.#pages.set(nameOf(page.hash), page);
    if (this.#pages.size <= this.#limit) return;
    for (const oldest of this.#pages.keys()) {
      this.#pages.delete(oldest);
      return;
    }
  }
}

/** A character for each byte: the shortest text that a Map can look up. */
function nameOf(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString('latin1');
}
