import { expect, it } from 'vitest';
import { openCheckpoint } from '../../../protocol/tlog/checkpoint.ts';
import { EMPTY_ROOT, hashLeaf, verifyConsistency, verifyInclusion } from '../../../protocol/tlog/merkle.ts';
import {
  buildProof,
  consistencyNodes,
  inclusionNodes,
  type NodeId,
  rootNodes,
  rootOf,
} from '../../../protocol/tlog/merkle-proof.ts';
import {
  decodeEntryBundle,
  encodeEntryBundle,
  entriesPath,
  hashInTile,
  parseTilePath,
  placeOf,
  TILE_WIDTH,
  tilePath,
  tilesFor,
  tileWidth,
} from '../../../protocol/tlog/tile.ts';
import { parseVerifierKey } from '../../../protocol/tlog/verifier-key.ts';
import { describeWithVectors, vectorFile, vectorJson } from './vectors.ts';

const LOG = 'tiles/tessera-testdata/log';
const ORIGIN = 'example.com/log/testdata';
const LARGEST = 15;

function logText(path: string): string {
  return new TextDecoder().decode(vectorFile(path));
}

/** The hash of a node, from the tile that the log had when it was of this size. */
function hashAt(size: number): (node: NodeId) => Uint8Array {
  return (node) => {
    const { level, index } = placeOf(node);
    const width = tileWidth(level, index, size);
    return hashInTile(vectorFile(`${LOG}/${tilePath({ level, index, width })}`), node);
  };
}

async function checkpointAt(size: number) {
  const logKeys = [parseVerifierKey(logText(`${LOG}.vkey`).trim())];
  const { checkpoint } = await openCheckpoint(logText(`${LOG}/checkpoint.${size}`), {
    origin: ORIGIN,
    logKeys,
  });
  return checkpoint;
}

describeWithVectors('The log that Tessera made', () => {
  it.each(Array.from({ length: LARGEST }, (_, index) => index + 1))(
    'has the root of its checkpoint at size %i, and the entries of its tile',
    async (size) => {
      const checkpoint = await checkpointAt(size);
      expect(checkpoint.size).toBe(size);
      expect(rootOf(rootNodes(size).map(hashAt(size)))).toEqual(checkpoint.root);
      const bundle = vectorFile(`${LOG}/${entriesPath({ index: 0, width: size })}`);
      const entries = decodeEntryBundle(bundle);
      expect(entries).toHaveLength(size);
      expect(encodeEntryBundle(entries)).toEqual(bundle);
      const leaves = entries.map((entry) => hashLeaf(entry));
      expect(leaves).toEqual(leaves.map((_, index) => hashAt(size)({ level: 0, index })));
    },
  );

  it('begins as an empty tree', async () => {
    expect(await checkpointAt(0)).toEqual({ origin: ORIGIN, size: 0, root: EMPTY_ROOT });
  });

  it('includes each entry in each tree, and each tree in each later one', async () => {
    const roots: Uint8Array[] = [];
    for (let size = 0; size <= LARGEST; size++) roots.push((await checkpointAt(size)).root);
    const rootAt = (size: number) => roots[size] ?? expect.fail('no such checkpoint');
    for (let size = 1; size <= LARGEST; size++) {
      const hashOf = hashAt(size);
      for (let index = 0; index < size; index++) {
        const proof = buildProof(inclusionNodes(index, size), hashOf);
        verifyInclusion({ index, size, leafHash: hashOf({ level: 0, index }), proof, root: rootAt(size) });
      }
      for (let oldSize = 1; oldSize <= size; oldSize++) {
        const proof = buildProof(consistencyNodes(oldSize, size), hashOf);
        const trees = { oldSize, oldRoot: rootAt(oldSize), newSize: size, newRoot: rootAt(size) };
        verifyConsistency({ ...trees, proof });
      }
    }
  });
});

describeWithVectors('The public vectors of tile paths', () => {
  const vectors = () =>
    vectorJson<{
      tilePath: { level: number; index: number; partial: number; path: string }[];
      entriesPathForIndex: { seq: number; logSize: number; path: string }[];
      c2spExample70000: {
        fullL0: number;
        partialL0: number;
        fullL1: number;
        partialL1: number;
        partialL2: number;
      };
    }>('tiles/tile-paths.json');

  it('are written and read', () => {
    for (const { level, index, partial, path } of vectors().tilePath) {
      const tile = { level, index, width: partial === 0 ? TILE_WIDTH : partial };
      expect(tilePath(tile)).toBe(path);
      expect(parseTilePath(path)).toEqual(tile);
    }
  });

  it('say where an entry is in a log of a size', () => {
    for (const { seq, logSize, path } of vectors().entriesPathForIndex) {
      const index = Math.floor(seq / TILE_WIDTH);
      expect(entriesPath({ index, width: tileWidth('entries', index, logSize) })).toBe(path);
    }
  });

  // `newTilesForSize_height10` is for tiles of another height than that of C2SP, and is left out.
  it('count the tiles of 70,000 entries', () => {
    const tiles = [...tilesFor(70_000)];
    const widths = (level: number) => tiles.filter((tile) => tile.level === level).map(({ width }) => width);
    const { fullL0, partialL0, fullL1, partialL1, partialL2 } = vectors().c2spExample70000;
    expect(widths(0)).toEqual([...Array.from({ length: fullL0 }, () => TILE_WIDTH), partialL0]);
    expect(widths(1)).toEqual([...Array.from({ length: fullL1 }, () => TILE_WIDTH), partialL1]);
    expect(widths(2)).toEqual([partialL2]);
    expect(widths(3)).toEqual([]);
  });
});
