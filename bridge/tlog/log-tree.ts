import { encodeBase64url } from '../../protocol/base64url.ts';
import { concatBytes } from '../../protocol/bytes.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { HASH_BYTES, hashLeaf } from '../../protocol/tlog/merkle.ts';
import {
  buildProof,
  consistencyNodes,
  inclusionNodes,
  type NodeId,
  rootNodes,
  rootOf,
} from '../../protocol/tlog/merkle-proof.ts';
import {
  decodeEntryBundle,
  encodeEntryBundle,
  hashInTile,
  placeOf,
  TILE_WIDTH,
} from '../../protocol/tlog/tile.ts';
import { sha256 } from '../lib/hash.ts';
import type { Query, Transaction } from '../storage/database.ts';
import type { LogHead, LogName } from './log-heads.ts';

/**
 * The tree of a log in the store, as the tiles and bundles of C2SP tlog-tiles. What is complete never changes and what
 * is not only grows, so a proof for any size up to the head can be read without a transaction while others append.
 */
type Reader = Query | Transaction;

interface TileName {
  readonly level: number;
  readonly index: number;
}

/** The hash of the log without entries. */
export const EMPTY_LOG: string = encodeBase64url(rootOf([]));

/**
 * Puts entries behind the head: of the tree only its right edge is read and written, in four statements however many
 * entries there are. Answers the new head; moving it is the caller's.
 *
 * Throws `state_refused` where the stored tree is not the one that the head names: nothing may be built on that.
 */
export async function appendEntries(
  tx: Transaction,
  log: LogName,
  head: LogHead,
  entries: readonly Uint8Array[],
): Promise<LogHead> {
  if (entries.length === 0) return head;
  const [edge] = await Promise.all([readEdge(tx, log, head), appendBundles(tx, log, head.size, entries)]);
  const grown = grow(edge, head.size, entries);
  await tx
    .insertInto('log_tiles')
    .values([...grown.values()].map((tile) => ({ log, ...tile })))
    .onConflict((conflict) =>
      conflict
        .columns(['log', 'level', 'index'])
        .doUpdateSet(({ ref }) => ({ bytes: ref('excluded.bytes') })),
    )
    .execute();
  const size = head.size + entries.length;
  return { size, hash: encodeBase64url(rootFrom(new Map([...edge, ...grown]), size)) };
}

/** The root of the tree of the first `size` entries, 32 bytes. */
export async function rootAt(reader: Reader, log: LogName, size: number): Promise<Uint8Array> {
  const nodes = rootNodes(size);
  return rootOf(nodes.map(await readNodeHashes(reader, log, nodes)), sha256);
}

/** The hashes of RFC 6962 §2.1.1. Throws `log_proof` when there is no such leaf in a tree of this size. */
export async function inclusionProof(
  reader: Reader,
  log: LogName,
  index: number,
  size: number,
): Promise<Uint8Array[]> {
  const plan = inclusionNodes(index, size);
  return buildProof(plan, await readNodeHashes(reader, log, plan.flat()), sha256);
}

/** The hashes of RFC 6962 §2.1.2. Throws `log_proof` when the older tree is the larger one. */
export async function consistencyProof(
  reader: Reader,
  log: LogName,
  oldSize: number,
  newSize: number,
): Promise<Uint8Array[]> {
  const plan = consistencyNodes(oldSize, newSize);
  return buildProof(plan, await readNodeHashes(reader, log, plan.flat()), sha256);
}

/**
 * The hashes of these complete subtrees, in one query; what is answered knows no others. Throws `state_refused` when
 * the store does not have them: sizes beyond the head must be refused before.
 */
export async function readNodeHashes(
  reader: Reader,
  log: LogName,
  nodes: readonly NodeId[],
): Promise<(node: NodeId) => Uint8Array> {
  const tiles = await readTiles(reader, log, nodes.map(placeOf));
  return (node) => hashIn(tiles, node);
}

/** A tile of 1 to 256 hashes, or `undefined` where the log does not have as many there yet. */
export async function readTile(
  reader: Reader,
  log: LogName,
  level: number,
  index: number,
  width: number,
): Promise<Uint8Array | undefined> {
  const bytes = (await readTiles(reader, log, [{ level, index }])).get(nameOf({ level, index }))?.bytes;
  const length = width * HASH_BYTES;
  return bytes === undefined || bytes.length < length ? undefined : bytes.subarray(0, length);
}

/** A bundle of 1 to 256 entries in the form of C2SP tlog-tiles, or `undefined` where there are not as many yet. */
export async function readEntryBundle(
  reader: Reader,
  log: LogName,
  index: number,
  width: number,
): Promise<Uint8Array | undefined> {
  const bundle = await reader
    .selectFrom('log_entry_bundles')
    .select(['width', 'bytes'])
    .where('log', '=', log)
    .where('index', '=', index)
    .executeTakeFirst();
  if (bundle === undefined || bundle.width < width) return undefined;
  if (bundle.width === width) return bundle.bytes;
  return encodeEntryBundle(decodeEntryBundle(bundle.bytes).slice(0, width));
}

type Tile = TileName & { readonly bytes: Uint8Array };
type Tiles = ReadonlyMap<string, Tile>;

function nameOf({ level, index }: TileName): string {
  return `${level}/${index}`;
}

async function readTiles(reader: Reader, log: LogName, names: readonly TileName[]): Promise<Tiles> {
  const wanted = [...new Map(names.map(({ level, index }) => [nameOf({ level, index }), { level, index }]))];
  if (wanted.length === 0) return new Map();
  const tiles = await reader
    .selectFrom('log_tiles')
    .select(['level', 'index', 'bytes'])
    // the whole key in each: SQLite looks every one up, where it would go through the log otherwise
    .where(({ or, and }) => or(wanted.map(([, name]) => and({ log, ...name }))))
    .execute();
  return new Map(tiles.map((tile) => [nameOf(tile), tile]));
}

function hashIn(tiles: Tiles, node: NodeId): Uint8Array {
  const place = placeOf(node);
  const bytes = tiles.get(nameOf(place))?.bytes;
  if (bytes === undefined || bytes.length < (place.first + place.count) * HASH_BYTES) {
    throw damaged(`a part of its tree is missing (tile ${nameOf(place)})`);
  }
  return hashInTile(bytes, node, sha256);
}

function rootFrom(tiles: Tiles, size: number): Uint8Array {
  return rootOf(
    rootNodes(size).map((node) => hashIn(tiles, node)),
    sha256,
  );
}

/** Complete subtrees of 256^level leaves. */
function hashesAt(level: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** level);
}

/** The tiles that are not full yet: at most one of each level. */
async function readEdge(tx: Transaction, log: LogName, head: LogHead): Promise<Tiles> {
  const names: TileName[] = [];
  for (let level = 0; hashesAt(level, head.size) > 0; level++) {
    const hashes = hashesAt(level, head.size);
    if (hashes % TILE_WIDTH > 0) names.push({ level, index: Math.floor(hashes / TILE_WIDTH) });
  }
  const edge = await readTiles(tx, log, names);
  for (const { level, bytes } of edge.values()) {
    if (bytes.length !== (hashesAt(level, head.size) % TILE_WIDTH) * HASH_BYTES) {
      throw damaged('its tree does not end where its head says');
    }
  }
  if (encodeBase64url(rootFrom(edge, head.size)) !== head.hash) {
    throw damaged('its tree does not have the root that its head says');
  }
  return edge;
}

/** The tiles that new entries change or make: what fills a tile is a hash of the level above. */
function grow(edge: Tiles, size: number, entries: readonly Uint8Array[]): Tiles {
  const tiles = new Map<string, Tile>();
  let hashes = entries.map((entry) => hashLeaf(entry, sha256));
  for (let level = 0; hashes.length > 0; level++) {
    let index = Math.floor(hashesAt(level, size) / TILE_WIDTH);
    const begun = edge.get(nameOf({ level, index }))?.bytes ?? new Uint8Array();
    const row = concatBytes(begun, ...hashes);
    hashes = [];
    for (let start = 0; start < row.length; start += TILE_WIDTH * HASH_BYTES) {
      const tile = { level, index, bytes: row.slice(start, start + TILE_WIDTH * HASH_BYTES) };
      tiles.set(nameOf(tile), tile);
      if (tile.bytes.length === TILE_WIDTH * HASH_BYTES) hashes.push(rootOfFull(tile.bytes));
      index += 1;
    }
  }
  return tiles;
}

/**
 * As `hashNode` has it, level by level in one buffer: of the time that entries take most is spent here, and half of that
 * on making arrays of 32 bytes.
 */
function rootOfFull(tile: Uint8Array): Uint8Array {
  const hashes = Buffer.from(tile);
  const input = Buffer.alloc(1 + 2 * HASH_BYTES, 1);
  for (let nodes = TILE_WIDTH / 2; nodes >= 1; nodes /= 2) {
    for (let node = 0; node < nodes; node += 1) {
      hashes.copy(input, 1, 2 * node * HASH_BYTES, 2 * (node + 1) * HASH_BYTES);
      hashes.set(sha256(input), node * HASH_BYTES);
    }
  }
  return new Uint8Array(hashes.subarray(0, HASH_BYTES));
}

async function appendBundles(
  tx: Transaction,
  log: LogName,
  size: number,
  entries: readonly Uint8Array[],
): Promise<void> {
  const first = Math.floor(size / TILE_WIDTH);
  const width = size % TILE_WIDTH;
  const begun = width === 0 ? new Uint8Array() : await readEntryBundle(tx, log, first, width);
  if (begun === undefined) throw damaged('entries are missing at its end');
  const rows = [];
  for (let taken = 0; taken < entries.length; ) {
    const before = (size + taken) % TILE_WIDTH;
    const added = entries.slice(taken, taken + TILE_WIDTH - before);
    rows.push({
      log,
      index: first + rows.length,
      width: before + added.length,
      bytes: concatBytes(taken === 0 ? begun : new Uint8Array(), encodeEntryBundle(added)),
    });
    taken += added.length;
  }
  await tx
    .insertInto('log_entry_bundles')
    .values(rows)
    .onConflict((conflict) =>
      conflict
        .columns(['log', 'index'])
        .doUpdateSet(({ ref }) => ({ width: ref('excluded.width'), bytes: ref('excluded.bytes') })),
    )
    .execute();
}

function damaged(what: string): CountersignError {
  return new CountersignError(
    'state_refused',
    `The stored log was tampered with or is damaged: ${what}. Restore the newest backup.`,
  );
}
