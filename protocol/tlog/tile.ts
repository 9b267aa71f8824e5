import { concatBytes } from '../bytes.ts';
import { CountersignError } from '../errors.ts';
import { HASH_BYTES, hashNode, type Sha256 } from './merkle.ts';
import type { NodeId } from './merkle-proof.ts';

/** Hashes, or entries, of a full tile: the subtree of height 8 above them (C2SP tlog-tiles). */
export const TILE_WIDTH = 256;
const TILE_HEIGHT = 8;

/** The largest entry that its 16-bit length can announce. */
export const MAX_ENTRY_BYTES = 65_535;

/** A tile of hashes (level 0 are the leaves, a hash of level n is that of a full tile of level n−1), or of entries. */
export interface TileId {
  readonly level: number | 'entries';
  /** Within its level, from 0. */
  readonly index: number;
  /** Hashes or entries in it, 1 to 256. A partial tile has fewer than 256. */
  readonly width: number;
}

/** Where the hashes below a node, or the one of the node itself, stand. */
export interface TilePlace {
  readonly level: number;
  readonly index: number;
  /** The first of them in the tile. */
  readonly first: number;
  /** How many: a power of two up to 128. */
  readonly count: number;
}

/** The path of a tile below the log's prefix, without a leading slash: `tile/0/x001/x234/067.p/8`. Full by default. */
export function tilePath(tile: Omit<TileId, 'width'> & { readonly width?: number }): string {
  const digits = String(tile.index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? [];
  const folders = groups.map((group, place) => (place < groups.length - 1 ? `x${group}` : group));
  const partial = (tile.width ?? TILE_WIDTH) < TILE_WIDTH ? `.p/${tile.width}` : '';
  return `tile/${tile.level}/${folders.join('/')}${partial}`;
}

/** The path of a bundle of entries. */
export function entriesPath(bundle: { readonly index: number; readonly width?: number }): string {
  return tilePath({ ...bundle, level: 'entries' });
}

/** Six groups hold every index below 2^53. */
const PATH = /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/;
const MAX_LEVEL = 63;

/** The tile that a path names, or `undefined` for every text that is not the one path of a tile. */
export function parseTilePath(path: string): TileId | undefined {
  const [, level, folders, partial] = PATH.exec(path) ?? [];
  if (level === undefined || folders === undefined) return undefined;
  const tile: TileId = {
    level: level === 'entries' ? level : Number(level),
    index: Number(folders.replaceAll(/[x/]/g, '')),
    width: Number(partial ?? TILE_WIDTH),
  };
  if (tile.level !== 'entries' && tile.level > MAX_LEVEL) return undefined;
  if (!Number.isSafeInteger(tile.index) || tile.width < 1) return undefined;
  // Zeros in front, or '.p/256', would be a second name.
  return tilePath(tile) === path ? tile : undefined;
}

/** Hashes (or entries) that a tile has in a tree of `size` leaves, 0 to 256; 0 when the tree has no such tile. */
export function tileWidth(level: number | 'entries', index: number, size: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** (level === 'entries' ? 0 : level));
  return Math.max(0, Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH));
}

/** The tiles of hashes of a tree of `size` leaves, level by level; entries are not among them. */
export function* tilesFor(size: number): Generator<TileId & { readonly level: number }, void> {
  for (let level = 0; ; level++) {
    const hashes = Math.floor(size / TILE_WIDTH ** level);
    if (hashes === 0) return;
    for (let index = 0; index * TILE_WIDTH < hashes; index++) {
      yield { level, index, width: tileWidth(level, index, size) };
    }
  }
}

/** Where in the tiles the hashes are from which that of a node is made. */
export function placeOf({ level, index }: NodeId): TilePlace {
  const count = 2 ** (level % TILE_HEIGHT);
  const first = index * count;
  return {
    level: Math.floor(level / TILE_HEIGHT),
    index: Math.floor(first / TILE_WIDTH),
    first: first % TILE_WIDTH,
    count,
  };
}

/** The hash of a node out of the tile that holds it. Throws `log_proof` when the tile does not reach so far. */
export function hashInTile(tile: Uint8Array, node: NodeId, sha256?: Sha256): Uint8Array {
  const { first, count } = placeOf(node);
  if (tile.length < (first + count) * HASH_BYTES) refuse('the tile is too narrow');
  const hashAt = (start: number, hashes: number): Uint8Array =>
    hashes === 1
      ? tile.slice(start * HASH_BYTES, (start + 1) * HASH_BYTES)
      : hashNode(hashAt(start, hashes / 2), hashAt(start + hashes / 2, hashes / 2), sha256);
  return hashAt(first, count);
}

/** A bundle of up to 256 entries, each behind its length in 16 bits. Throws `log_proof` for what does not fit. */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  if (entries.length > TILE_WIDTH) refuse('more than 256 entries');
  if (entries.some(({ length }) => length > MAX_ENTRY_BYTES)) refuse('an entry is longer than 65,535 bytes');
  return concatBytes(
    ...entries.flatMap((entry) => [Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry]),
  );
}

/** The entries of a bundle, as views of its bytes. Throws `log_proof` unless they are up to 256 whole ones. */
export function decodeEntryBundle(bundle: Uint8Array): Uint8Array[] {
  const entries: Uint8Array[] = [];
  let offset = 0;
  while (offset < bundle.length) {
    const start = offset + 2;
    const end = start + (bundle[offset] ?? 0) * 256 + (bundle[offset + 1] ?? 0);
    if (end > bundle.length) refuse('the bundle ends within an entry');
    if (entries.push(bundle.subarray(start, end)) > TILE_WIDTH) refuse('more than 256 entries');
    offset = end;
  }
  return entries;
}

function refuse(reason: string): never {
  throw new CountersignError('log_proof', reason);
}
