import { equalBytes } from '../../protocol/bytes.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { EMPTY_NODE } from '../../protocol/keytrans/prefix-tree.ts';
import { MAP_PAGES_CACHED } from '../lib/limits.ts';
import type { Query, Transaction } from '../storage/database.ts';
import { type MapChange, MapPage, nibbleOf } from './map-pages.ts';
import { PageCache } from './page-cache.ts';
import { inSearches, inStatements } from './statement-sizes.ts';

/** The map as an epoch has it. */
export interface MapVersion {
  readonly epoch: number;
  /** The root of its prefix tree, 32 bytes. */
  readonly root: Uint8Array;
}

/** The map before the first epoch. */
export const EMPTY_MAP: MapVersion = { epoch: 0, root: EMPTY_NODE };

/** Pages on the ways to some outputs, by path. */
export type LoadedPages = ReadonlyMap<string, MapPage>;

/**
 * The pages of the map in the store. Each version of it can be read while newer ones are written, until it is pruned.
 * Pages that were used last are kept in memory under their hashes, for all versions and without any expiry.
 */
export class MapStore {
  readonly #cache: PageCache;

  constructor(cachedPages = MAP_PAGES_CACHED) {
    this.#cache = new PageCache(cachedPages);
  }

  /**
   * Every page on the way to each of the outputs. Each is checked by the hash that the page above it names, the first
   * by the root. Throws `internal` when one is missing or is another.
   */
  async load(
    reader: Query | Transaction,
    version: MapVersion,
    outputs: readonly Uint8Array[],
  ): Promise<LoadedPages> {
    const loaded = new Map<string, MapPage>();
    const fetched = new Map<string, Uint8Array>();
    let wanted = new Map<string, Wanted>();
    if (!equalBytes(version.root, EMPTY_NODE)) wanted.set('', { hash: version.root, outputs });
    while (wanted.size > 0) {
      const cached = this.#cached(wanted);
      const missing = [...wanted].filter(([path]) => !cached.has(path) && !fetched.has(path));
      await fetchPages(reader, version.epoch, missing, fetched);
      const below = new Map<string, Wanted>();
      for (const [path, want] of wanted) {
        const page = cached.get(path) ?? this.#checked(path, want.hash, fetched.get(path));
        loaded.set(path, page);
        for (const [next, wantNext] of wantedBelow(path, page, want.outputs)) below.set(next, wantNext);
      }
      wanted = below;
    }
    return loaded;
  }

  /** Stores the pages that an epoch changes, beside those that they replace. */
  async write(tx: Transaction, epoch: number, before: LoadedPages, change: MapChange): Promise<void> {
    const replaced = [...change.pages.keys()].filter((path) => before.has(path));
    const ended = [...inSearches(replaced)].map((paths) =>
      tx
        .updateTable('map_pages')
        .set({ until: epoch })
        .where('path', 'in', paths)
        .where('until', 'is', null)
        .execute(),
    );
    const rows = [...change.pages].map(([path, { bytes }]) => ({ path, epoch, until: null, bytes }));
    // behind those: they are carried out in the order in which they are asked for
    const begun = [...inStatements(rows)].map((part) => tx.insertInto('map_pages').values(part).execute());
    await Promise.all([...ended, ...begun]);
    for (const page of change.pages.values()) this.#cache.add(page);
  }

  /** Held on to here: what is read next may push them out. */
  #cached(wanted: ReadonlyMap<string, Wanted>): LoadedPages {
    const pages = new Map<string, MapPage>();
    for (const [path, { hash }] of wanted) {
      const page = this.#cache.get(hash);
      if (page !== undefined) pages.set(path, page);
    }
    return pages;
  }

  #checked(path: string, hash: Uint8Array, bytes: Uint8Array | undefined): MapPage {
    const page = bytes === undefined ? undefined : MapPage.parse(bytes);
    if (page === undefined || !equalBytes(page.hash, hash)) {
      throw new CountersignError('internal', undefined, {
        cause: new Error(
          `the page '${path}' of the key map is ${page === undefined ? 'missing' : 'not the one'}`,
        ),
      });
    }
    this.#cache.add(page);
    return page;
  }
}

/** Outputs through one page up to which the pages below are read with it, to spare the way back and forth. */
const FEW = 2;

async function fetchPages(
  reader: Query | Transaction,
  epoch: number,
  missing: readonly (readonly [path: string, wanted: Wanted])[],
  fetched: Map<string, Uint8Array>,
): Promise<void> {
  const paths = new Set<string>();
  for (const [path, { outputs }] of missing) {
    paths.add(path);
    if (outputs.length > FEW) continue;
    for (const output of outputs) {
      const next = path + nibbleOf(output, path.length).toString(16);
      paths.add(next).add(next + nibbleOf(output, next.length).toString(16));
    }
  }
  for (const part of inSearches([...paths])) {
    const rows = await reader
      .selectFrom('map_pages')
      .select(['path', 'bytes'])
      .where('path', 'in', part)
      .where('epoch', '<=', epoch)
      .where(({ eb, or }) => or([eb('until', 'is', null), eb('until', '>', epoch)]))
      .execute();
    for (const { path, bytes } of rows) fetched.set(path, bytes);
  }
}

interface Wanted {
  readonly hash: Uint8Array;
  /** Those whose ways lead through the page. */
  readonly outputs: readonly Uint8Array[];
}

function wantedBelow(path: string, page: MapPage, outputs: readonly Uint8Array[]): Map<string, Wanted> {
  const groups = new Map<number, Uint8Array[]>();
  for (const output of outputs) {
    const nibble = nibbleOf(output, path.length);
    const group = groups.get(nibble);
    if (group === undefined) groups.set(nibble, [output]);
    else group.push(output);
  }
  const below = new Map<string, Wanted>();
  for (const [nibble, group] of groups) {
    const slot = page.slot(nibble);
    if (slot.kind === 'subtree') {
      below.set(path + nibble.toString(16), { hash: slot.hash, outputs: group });
    }
  }
  return below;
}
