import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addLeaves, type MapLeaf, MapPage } from '../../bridge/keylog/map-pages.ts';
import { readerOf } from '../../bridge/keylog/map-reader.ts';

import { EMPTY_NODE, proveFromTree, rootFromPrefixProof } from '../../protocol/keytrans/prefix-tree.ts';
import { naiveRoot } from './naive-map.ts';

/** The pages of a tree that grows; kept as bytes, as the store keeps them. */
class Pages {
  readonly #stored = new Map<string, Uint8Array>();

  readonly at = (path: string): MapPage | undefined => {
    const bytes = this.#stored.get(path);
    return bytes === undefined ? undefined : MapPage.parse(bytes);
  };

  add(leaves: readonly MapLeaf[]): { root: Uint8Array; paths: string[] } {
    const { root, pages } = addLeaves(this.at, leaves);
    for (const [path, page] of pages) this.#stored.set(path, page.bytes);
    return { root, paths: [...pages.keys()] };
  }
}

const bytes32 = (first: readonly number[], last: number): Uint8Array => {
  const bytes = new Uint8Array(32).fill(0xa5);
  bytes.set(first);
  bytes[30] = last;
  return bytes;
};

/** Outputs that often share their beginnings, some down to the last byte but one. */
const output = fc
  .tuple(fc.array(fc.constantFrom(0, 1, 0x10, 0x1f, 0x80, 0xff), { maxLength: 5 }), fc.nat(255))
  .map(([first, last]) => bytes32(first, last));
const batches = fc
  .uniqueArray(output, { selector: (bytes) => bytes.join(), maxLength: 60 })
  .chain((outputs) =>
    fc.array(fc.nat(5), { minLength: outputs.length, maxLength: outputs.length }).map((numbers) => {
      const leaves = outputs.map((bytes, index) => ({ output: bytes, commitment: bytes32([index], 7) }));
      return [0, 1, 2, 3, 4, 5].map((batch) => leaves.filter((_, index) => numbers[index] === batch));
    }),
  );

describe('the pages of the key map', () => {
  it('have the root that the whole tree has by its definition, after each batch', () => {
    fc.assert(
      fc.property(batches, (all) => {
        const pages = new Pages();
        const leaves: MapLeaf[] = [];
        for (const batch of all) {
          leaves.push(...batch);
          expect(Buffer.from(pages.add(batch).root)).toEqual(Buffer.from(naiveRoot(leaves)));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('prove what is there and what is not, and only pages on the way are needed', () => {
    fc.assert(
      fc.property(batches, fc.array(output, { maxLength: 4 }), (all, strangers) => {
        const leaves = all.flat();
        const pages = new Pages();
        const { root } = pages.add(leaves);
        const there = leaves.slice(0, 3);
        const absent = strangers.filter(
          (stranger) => !leaves.some((leaf) => leaf.output.join() === stranger.join()),
        );
        const unique = [...new Map(absent.map((bytes) => [bytes.join(), bytes])).values()];
        const searches = [...there, ...unique.map((bytes) => ({ output: bytes }))];
        if (searches.length === 0) return;
        const proof = proveFromTree(
          readerOf(pages.at),
          searches.map((search) => search.output),
        );
        expect(Buffer.from(rootFromPrefixProof(proof, searches))).toEqual(Buffer.from(root));
      }),
      { numRuns: 200 },
    );
  });

  it('change on the way to a new leaf only', () => {
    const pages = new Pages();
    pages.add([1, 2, 3].map((first) => ({ output: bytes32([first << 4], 1), commitment: EMPTY_NODE })));
    pages.add([{ output: bytes32([0x10, 5], 2), commitment: EMPTY_NODE }]);
    const { paths } = pages.add([{ output: bytes32([0x20, 5], 2), commitment: EMPTY_NODE }]);
    expect(paths.sort()).toEqual(['', '2', '20']);
  });

  it('refuse an output that is there already', () => {
    const pages = new Pages();
    const leaf = { output: bytes32([1], 1), commitment: EMPTY_NODE };
    pages.add([leaf]);
    expect(() => pages.add([{ ...leaf, commitment: bytes32([9], 9) }])).toThrow(
      expect.objectContaining({ code: 'conflict' }),
    );
  });

  it('are refused when their bytes are cut, longer, or of an unknown kind', () => {
    const { bytes } = MapPage.of(Array.from({ length: 16 }, () => ({ kind: 'empty' as const })));
    expect(MapPage.parse(bytes).hash).toEqual(EMPTY_NODE);
    for (const broken of [bytes.slice(1), new Uint8Array([...bytes, 0]), new Uint8Array([0xff, 0, 0, 0])]) {
      expect(() => MapPage.parse(broken)).toThrow(expect.objectContaining({ code: 'internal' }));
    }
  });
});

interface Vectors {
  readonly Epochs: readonly {
    readonly added: readonly (readonly [string, string])[];
    readonly Root: string;
  }[];
}

const VECTORS = `${
  process.env.COUNTERSIGN_VECTORS ?? fileURLToPath(new URL('../../../shared/vectors', import.meta.url))
}/keytrans/prefix-tree-katie-generated.json`;

describe.skipIf(!existsSync(VECTORS))(
  'the pages of the public vectors (skipped where the folder is not there)',
  () => {
    it('have their roots', () => {
      const { Epochs } = JSON.parse(readFileSync(VECTORS, 'utf8')) as Vectors;
      const pages = new Pages();
      for (const { added, Root } of Epochs) {
        const leaves = added.map(([output, commitment]) => ({
          output: Buffer.from(output, 'hex'),
          commitment: Buffer.from(commitment, 'hex'),
        }));
        expect(Buffer.from(pages.add(leaves).root).toString('hex')).toBe(Root);
      }
    });
  },
);
