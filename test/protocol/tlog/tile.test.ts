import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../../protocol/bytes.ts';
import type { NodeId } from '../../../protocol/tlog/merkle-proof.ts';
import {
  decodeEntryBundle,
  encodeEntryBundle,
  entriesPath,
  hashInTile,
  MAX_ENTRY_BYTES,
  parseTilePath,
  placeOf,
  TILE_WIDTH,
  tilePath,
  tilesFor,
  tileWidth,
} from '../../../protocol/tlog/tile.ts';
import { codeOf } from '../codes.ts';
import { leavesOf, nodeOf } from './small-tree.ts';

const SIZE = 1_100;
const LEAVES = leavesOf(SIZE);

/** A tile of the log of these leaves, out of the leaves alone. */
function tileOf(level: number, index: number): Uint8Array {
  const hashes = Array.from({ length: tileWidth(level, index, SIZE) }, (_, place) =>
    nodeOf(LEAVES, { level: level * 8, index: index * TILE_WIDTH + place }),
  );
  return concatBytes(...hashes);
}

describe('The path of a tile', () => {
  it('is read as what it was written from', () => {
    const level = fc.oneof(fc.constant('entries' as const), fc.integer({ min: 0, max: 63 }));
    const tile = fc.record({ level, index: fc.maxSafeNat(), width: fc.integer({ min: 1, max: 256 }) });
    fc.assert(
      fc.property(tile, (id) => {
        expect(parseTilePath(tilePath(id))).toEqual(id);
      }),
    );
  });

  it('is of a full tile where no width is given', () => {
    expect(tilePath({ level: 1, index: 1_234_067 })).toBe('tile/1/x001/x234/067');
    expect(entriesPath({ index: 0 })).toBe('tile/entries/000');
    expect(entriesPath({ index: 1000, width: 7 })).toBe('tile/entries/x001/000.p/7');
  });

  it.each([
    '',
    'tile',
    '/tile/0/000',
    'tile/0/000/',
    'tile/0/000\n',
    'tile/0/0',
    'tile/0/00',
    'tile/0/0000',
    'tile/00/000',
    'tile/01/000',
    'tile/64/000',
    'tile/-1/000',
    'tile/a/000',
    'tile/Entries/000',
    'tile/0/x000/000',
    'tile/0/x000/x001/000',
    'tile/0/001/000',
    'tile/0/x001',
    'tile/0/x001/x000',
    'tile/0/x001/00',
    'tile/0/X001/000',
    'tile/0/000.p',
    'tile/0/000.p/',
    'tile/0/000.p/0',
    'tile/0/000.p/01',
    'tile/0/000.p/256',
    'tile/0/000.p/999',
    'tile/0/000.p/1000',
    'tile/0/000.p/-1',
    'tile/0/000.P/1',
    'tile/0/../000',
    'tile/0/٠٠٠',
    'tile/0/x009/x007/x199/x254/x740/992',
    'tile/0/x999/x999/x999/x999/x999/999',
    'tile/0/x001/x000/x000/x000/x000/x000/000',
    'tile/data/000',
    'tile/0/x001//000',
  ])('is not %j', (path) => {
    expect(parseTilePath(path)).toBeUndefined();
  });
});

describe('The tiles of a log', () => {
  it('are as wide as its size says', () => {
    expect(tileWidth(0, 0, 0)).toBe(0);
    expect(tileWidth(0, 0, 256)).toBe(256);
    expect(tileWidth(0, 1, 256)).toBe(0);
    expect(tileWidth(1, 0, 256)).toBe(1);
    expect(tileWidth('entries', 4, SIZE)).toBe(76);
    expect([...tilesFor(0)]).toEqual([]);
    expect([...tilesFor(256)].map(tilePath)).toEqual(['tile/0/000', 'tile/1/000.p/1']);
  });

  it('hold the hash of each complete subtree', () => {
    const node = fc
      .integer({ min: 0, max: 10 })
      .chain((level) =>
        fc.record({ level: fc.constant(level), index: fc.nat(Math.floor(SIZE / 2 ** level) - 1) }),
      );
    fc.assert(
      fc.property(node, (id: NodeId) => {
        const { level, index } = placeOf(id);
        expect(hashInTile(tileOf(level, index), id)).toEqual(nodeOf(LEAVES, id));
      }),
    );
  });

  it('give no hash of a subtree that is not complete', async () => {
    const narrow = tileOf(0, 4);
    expect(await codeOf(() => hashInTile(narrow, { level: 0, index: SIZE }))).toBe('log_proof');
    expect(await codeOf(() => hashInTile(narrow, { level: 3, index: SIZE >> 3 }))).toBe('log_proof');
    expect(await codeOf(() => hashInTile(narrow.subarray(1), { level: 0, index: SIZE - 1 }))).toBe(
      'log_proof',
    );
  });
});

describe('A bundle of entries', () => {
  it('is read as what it was written from', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 256 }), (entries) => {
        const copies = entries.map((entry) => Uint8Array.from(entry));
        expect(decodeEntryBundle(encodeEntryBundle(copies))).toEqual(copies);
      }),
    );
  });

  it('holds entries as long as their length can say, and no longer ones', async () => {
    const longest = new Uint8Array(MAX_ENTRY_BYTES);
    expect(decodeEntryBundle(encodeEntryBundle([longest]))).toEqual([longest]);
    expect(await codeOf(() => encodeEntryBundle([new Uint8Array(MAX_ENTRY_BYTES + 1)]))).toBe('log_proof');
  });

  it('holds 256 entries and no more', async () => {
    const entries = Array.from({ length: 257 }, () => new Uint8Array());
    expect(decodeEntryBundle(new Uint8Array(512))).toHaveLength(256);
    expect(await codeOf(() => encodeEntryBundle(entries))).toBe('log_proof');
    expect(await codeOf(() => decodeEntryBundle(new Uint8Array(514)))).toBe('log_proof');
  });

  it.each([[[0]], [[0, 1]], [[0, 2, 9]], [[0, 0, 0]], [[255, 255, 1]]])(
    'does not end within an entry: %j',
    async (bytes) => {
      expect(await codeOf(() => decodeEntryBundle(Uint8Array.from(bytes)))).toBe('log_proof');
    },
  );
});
