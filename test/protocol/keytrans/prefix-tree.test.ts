import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePrefixProof, encodePrefixProof } from '../../../protocol/keytrans/prefix-proof-format.ts';
import {
  EMPTY_NODE,
  hashPrefixLeaf,
  hashPrefixParent,
  type PrefixProof,
  type PrefixSearch,
  proveFromTree,
  rootFromPrefixProof,
} from '../../../protocol/keytrans/prefix-tree.ts';
import { codeOf } from '../codes.ts';
import { hexBytes } from '../tlog/hex-bytes.ts';
import { describeWithVectors } from '../tlog/vectors.ts';
import { readKatie } from './katie-vectors.ts';
import { NaiveMap } from './naive-map.ts';
import { toHex } from './to-hex.ts';

const refused = (proof: PrefixProof, searches: readonly PrefixSearch[]) =>
  codeOf(() => rootFromPrefixProof(proof, searches));

describeWithVectors('the prefix trees that Katie made', () => {
  const { Epochs, Searches } = readKatie();

  function mapOf(epochs: number): NaiveMap {
    const map = new NaiveMap();
    for (const { added } of Epochs.slice(0, epochs)) {
      for (const [output, commitment] of added) map.add(hexBytes(output), hexBytes(commitment));
    }
    return map;
  }

  it.each(Epochs.map(({ Root }, index) => [index + 1, Root] as const))(
    'epoch %i has the root %s',
    (epoch, root) => {
      expect(toHex(mapOf(epoch).root())).toBe(root);
    },
  );

  it.each(Epochs.map((epoch, index) => ({ ...epoch, index })))(
    'the audit proof of epoch $index shows that what it adds was not there',
    ({ added, RootBefore, AuditProof, index }) => {
      const searches = added.map(([output]) => ({ output: hexBytes(output) }));
      expect(toHex(rootFromPrefixProof(decodePrefixProof(hexBytes(AuditProof)), searches))).toBe(RootBefore);
      const ours = proveFromTree(
        mapOf(index),
        searches.map(({ output }) => output),
      );
      expect(toHex(encodePrefixProof(ours))).toBe(AuditProof);
    },
  );

  it.each(Searches.map((search, index) => ({ ...search, index })))(
    'search $index, of $Inclusion in epoch $Epoch, is proven and verified',
    ({ Epoch, Outputs, Commitments, Inclusion, Depth, Proof }) => {
      const outputs = Outputs.map(hexBytes);
      const proof = decodePrefixProof(hexBytes(Proof));
      expect(proof.results.map(({ depth }) => depth)).toEqual(Depth);
      const searches = outputs.map((output, index) => ({
        output,
        commitment: Inclusion[index] ? hexBytes(Commitments[index] ?? '') : undefined,
      }));
      expect(toHex(rootFromPrefixProof(proof, searches))).toBe(Epochs[Epoch - 1]?.Root);
      expect(toHex(encodePrefixProof(proveFromTree(mapOf(Epoch), outputs)))).toBe(Proof);
    },
  );
});

const output = (first: number, late = 0) => {
  const bytes = new Uint8Array(32);
  bytes[0] = first;
  bytes[30] = late;
  return bytes;
};
const commitment = (value: number) => new Uint8Array(32).fill(value);

/** 00…, 01…, and 11…: the left side has two leaves, the right side is one. */
function threeLeaves(): NaiveMap {
  const map = new NaiveMap();
  for (const [index, first] of [0x00, 0x40, 0xc0].entries()) map.add(output(first), commitment(index + 1));
  return map;
}

const map = threeLeaves();
const PRESENT = { output: output(0x40), commitment: commitment(2) };
const ABSENT = { output: output(0x80) };
const honest = proveFromTree(map, [PRESENT.output, ABSENT.output]);

describe('rootFromPrefixProof', () => {
  it('is the root of an honest proof', () => {
    expect(rootFromPrefixProof(honest, [PRESENT, ABSENT])).toEqual(map.root());
  });

  it('is 32 zero bytes for a tree without leaves', () => {
    const proof = proveFromTree(new NaiveMap(), [ABSENT.output]);
    expect(rootFromPrefixProof(proof, [ABSENT])).toEqual(EMPTY_NODE);
  });

  it('is another root for another commitment', () => {
    const other = { ...PRESENT, commitment: commitment(9) };
    expect(rootFromPrefixProof(honest, [other, ABSENT])).not.toEqual(map.root());
  });

  it('refuses inclusion where absence is claimed, and the other way round', async () => {
    expect(await refused(honest, [{ output: PRESENT.output }, ABSENT])).toBe('log_proof');
    expect(await refused(honest, [PRESENT, { ...ABSENT, commitment: commitment(3) }])).toBe('log_proof');
  });

  it('refuses to show a leaf’s absence by the leaf itself', async () => {
    const [present, absent] = honest.results;
    if (present === undefined || absent === undefined) throw new Error('two were searched');
    const hidden = { kind: 'other-leaf', leaf: PRESENT, depth: present.depth } as const;
    const proof = { ...honest, results: [hidden, absent] };
    expect(await refused(proof, [{ output: PRESENT.output }, ABSENT])).toBe('log_proof');
  });

  it('refuses to show absence by a leaf that is elsewhere', async () => {
    const leaf = { output: output(0x00), commitment: commitment(1) };
    const proof = { results: [{ kind: 'other-leaf', leaf, depth: 1 }], elements: [EMPTY_NODE] } as const;
    expect(await refused(proof, [{ output: output(0xc1) }])).toBe('log_proof');
  });

  it('refuses an element that is missing or left over', async () => {
    expect(await refused({ ...honest, elements: honest.elements.slice(1) }, [PRESENT, ABSENT])).toBe(
      'log_proof',
    );
    const more = { ...honest, elements: [...honest.elements, EMPTY_NODE] };
    expect(await refused(more, [PRESENT, ABSENT])).toBe('log_proof');
  });

  it('refuses an element of another length', async () => {
    const elements = honest.elements.map((element) => element.slice(1));
    expect(await refused({ ...honest, elements }, [PRESENT, ABSENT])).toBe('log_proof');
  });

  it('refuses another number of results than of searches, none included', async () => {
    expect(await refused(honest, [PRESENT])).toBe('log_proof');
    expect(await refused(honest, [PRESENT, ABSENT, ABSENT])).toBe('log_proof');
    expect(await refused({ results: [], elements: [map.root()] }, [])).toBe('log_proof');
    const alone = proveFromTree(map, [PRESENT.output]);
    expect(await refused({ ...alone, results: [...alone.results, ...alone.results] }, [PRESENT])).toBe(
      'log_proof',
    );
  });

  it('refuses results in another order than the searches', async () => {
    const results = honest.results.toReversed();
    expect(await refused({ ...honest, results }, [PRESENT, ABSENT])).toBe('log_proof');
  });

  it('refuses two results that see one place differently', async () => {
    const leaf = { output: output(0xc0), commitment: commitment(3) };
    const results = [
      { kind: 'other-leaf', leaf, depth: 1 },
      { kind: 'empty', depth: 1 },
    ] as const;
    const elements = [hashPrefixParent(hashPrefixLeaf(output(0), commitment(1)), EMPTY_NODE)];
    expect(await refused({ results, elements }, [{ output: output(0x80) }, { output: output(0x81) }])).toBe(
      'log_proof',
    );
  });

  it('refuses a result that ends above another’s way', async () => {
    const results = [
      { kind: 'empty', depth: 1 },
      { kind: 'empty', depth: 2 },
    ] as const;
    const searches = [{ output: output(0x80) }, { output: output(0xc0) }];
    for (const elements of [[EMPTY_NODE], [EMPTY_NODE, EMPTY_NODE]]) {
      expect(await refused({ results, elements }, searches)).toBe('log_proof');
    }
  });

  it.each([-1, 0.5, 256, Number.NaN])('refuses the depth %d', async (depth) => {
    expect(await refused({ results: [{ kind: 'empty', depth }], elements: [] }, [ABSENT])).toBe('log_proof');
  });
});

describe('the bytes of a prefix proof', () => {
  const encoded = encodePrefixProof(honest);

  it('are read as they were written', () => {
    expect(decodePrefixProof(encoded)).toEqual(honest);
  });

  it('are refused when one is missing or follows, wherever they are cut', async () => {
    for (let length = 0; length < encoded.length; length++) {
      expect(await codeOf(() => decodePrefixProof(encoded.slice(0, length)))).toBe('log_proof');
    }
    expect(await codeOf(() => decodePrefixProof(Uint8Array.of(...encoded, 0)))).toBe('log_proof');
  });

  it.each([0, 4, 255])('are refused with a result of type %i', async (type) => {
    expect(await codeOf(() => decodePrefixProof(Uint8Array.of(1, type, 0, 0, 0)))).toBe('log_proof');
  });

  it('are not written for a depth that a byte cannot hold', async () => {
    const proof = { results: [{ kind: 'empty', depth: 256 }], elements: [] } as const;
    expect(await codeOf(() => encodePrefixProof(proof))).toBe('log_proof');
  });

  it('are not written for more searches than a proof can hold', async () => {
    const results = Array.from({ length: 256 }, () => ({ kind: 'empty', depth: 0 }) as const);
    expect(await codeOf(() => encodePrefixProof({ results, elements: [] }))).toBe('log_proof');
  });
});

describe('any map', () => {
  const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
  /** Long shared beginnings too, which random outputs never have. */
  const anyOutput = fc.oneof(
    bytes32,
    fc.tuple(fc.nat(3), fc.nat(3)).map(([first, late]) => output(first, late)),
  );
  const anyLeaves = fc.uniqueArray(fc.tuple(anyOutput, bytes32), {
    maxLength: 24,
    selector: ([key]) => toHex(key),
  });

  it('has every search in it proven under its root, whatever is searched together', () => {
    fc.assert(
      fc.property(
        anyLeaves,
        fc.uniqueArray(anyOutput, { minLength: 1, maxLength: 6, selector: toHex }),
        (leaves, asked) => {
          const tree = new NaiveMap();
          for (const [key, value] of leaves) tree.add(key, value);
          const outputs = [...asked, ...leaves.slice(0, 4).map(([key]) => key)];
          const searches = outputs.map((key) => ({
            output: key,
            commitment: leaves.find(([present]) => toHex(present) === toHex(key))?.[1],
          }));
          const proof = decodePrefixProof(encodePrefixProof(proveFromTree(tree, outputs)));
          expect(toHex(rootFromPrefixProof(proof, searches))).toBe(toHex(tree.root()));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('has no altered proof that leads to its root', () => {
    fc.assert(
      fc.property(
        anyLeaves,
        anyOutput,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (leaves, asked, at, flip) => {
          const tree = new NaiveMap();
          for (const [key, value] of leaves) tree.add(key, value);
          const search = {
            output: asked,
            commitment: leaves.find(([key]) => toHex(key) === toHex(asked))?.[1],
          };
          const encoded = encodePrefixProof(proveFromTree(tree, [asked]));
          const index = at % encoded.length;
          encoded[index] = (encoded[index] ?? 0) ^ flip;
          expect(rootOrUndefined(encoded, search)).not.toBe(toHex(tree.root()));
        },
      ),
      { numRuns: 300 },
    );
  });
});

function rootOrUndefined(encoded: Uint8Array, search: PrefixSearch): string | undefined {
  try {
    return toHex(rootFromPrefixProof(decodePrefixProof(encoded), [search]));
  } catch {
    return undefined;
  }
}
