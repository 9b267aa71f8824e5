import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../protocol/hash.ts';
import {
  EMPTY_ROOT,
  hashLeaf,
  hashNode,
  rootFromInclusionProof,
  type Sha256,
  verifyConsistency,
  verifyInclusion,
} from '../../../protocol/tlog/merkle.ts';
import {
  buildProof,
  consistencyNodes,
  inclusionNodes,
  type NodeId,
  rootNodes,
  rootOf,
} from '../../../protocol/tlog/merkle-proof.ts';
import { codeOf } from '../codes.ts';
import { leavesOf, nodeOf, rootOfLeaves } from './small-tree.ts';

const LEAVES = leavesOf(600);

function leaf(index: number): Uint8Array {
  return LEAVES[index] ?? expect.fail('no such leaf');
}

function hashOf(node: NodeId): Uint8Array {
  return nodeOf(LEAVES, node);
}

function rootAt(size: number): Uint8Array {
  return rootOfLeaves(LEAVES.slice(0, size));
}

function inclusionOf(index: number, size: number) {
  const proof = buildProof(inclusionNodes(index, size), hashOf);
  return { index, size, leafHash: leaf(index), proof, root: rootAt(size) };
}

function consistencyOf(oldSize: number, newSize: number) {
  const proof = buildProof(consistencyNodes(oldSize, newSize), hashOf);
  return { oldSize, oldRoot: rootAt(oldSize), newSize, newRoot: rootAt(newSize), proof };
}

/** Two sizes (or an index and a size), the first in 1 to the second. */
const pair = fc
  .integer({ min: 1, max: LEAVES.length })
  .chain((larger) => fc.tuple(fc.integer({ min: 1, max: larger }), fc.constant(larger)));

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = bit % (bytes.length * 8);
  copy[at >> 3] = (copy[at >> 3] ?? 0) ^ (1 << (at & 7));
  return copy;
}

/** The hashes, in each of which in turn one bit is flipped. */
function tampered(proof: readonly Uint8Array[], bit: number): Uint8Array[][] {
  return proof.map((_, place) => proof.map((hash, index) => (index === place ? flipped(hash, bit) : hash)));
}

/** The proof with a hash too many at either end, one too few, and one that is not whole. */
function misshapen(proof: readonly Uint8Array[]): Uint8Array[][] {
  const cut = [proof.slice(1), proof.slice(0, -1), [...proof.slice(0, -1), leaf(0).subarray(1)]];
  return [[leaf(0), ...proof], [...proof, leaf(0)], ...(proof.length === 0 ? [] : cut)];
}

describe('An RFC 6962 tree', () => {
  it('has the root of its complete subtrees', () => {
    expect(rootOf([])).toBe(EMPTY_ROOT);
    for (let size = 1; size <= LEAVES.length; size += 7) {
      expect(rootOf(rootNodes(size).map(hashOf))).toEqual(rootAt(size));
    }
  });

  it('hashes with the function that it is given', () => {
    let calls = 0;
    const counting: Sha256 = (bytes) => {
      calls++;
      return sha256(bytes);
    };
    expect(hashLeaf(Uint8Array.of(0, 9), counting)).toEqual(leaf(9));
    expect(hashNode(leaf(0), leaf(1), counting)).toEqual(rootAt(2));
    verifyInclusion(inclusionOf(3, 5), counting);
    verifyConsistency(consistencyOf(3, 5), counting);
    buildProof(inclusionNodes(0, 7), hashOf, counting);
    expect(calls).toBeGreaterThan(6);
  });

  it('has no nodes for a size that is none', async () => {
    for (const size of [-1, 1.5, Number.NaN, 2 ** 53]) {
      expect(await codeOf(() => rootNodes(size))).toBe('log_proof');
    }
  });
});

describe('A proof of inclusion', () => {
  it('holds for each entry of each size, and names the root', () => {
    fc.assert(
      fc.property(pair, ([place, size]) => {
        const claim = inclusionOf(place - 1, size);
        verifyInclusion(claim);
        expect(rootFromInclusionProof(claim)).toEqual(claim.root);
      }),
    );
  });

  it('is refused when a bit of the leaf, the root or a hash is another', async () => {
    await fc.assert(
      fc.asyncProperty(pair, fc.nat(), async ([place, size], bit) => {
        const claim = inclusionOf(place - 1, size);
        const claims = [
          { ...claim, leafHash: flipped(claim.leafHash, bit) },
          { ...claim, root: flipped(claim.root, bit) },
          ...tampered(claim.proof, bit).map((proof) => ({ ...claim, proof })),
        ];
        for (const wrong of claims) expect(await codeOf(() => verifyInclusion(wrong))).toBe('log_proof');
      }),
    );
  });

  it('is refused for another entry or another size, and with other than the hashes it needs', async () => {
    await fc.assert(
      fc.asyncProperty(pair, async ([place, size]) => {
        const claim = inclusionOf(place - 1, size);
        const claims = [
          { ...claim, index: claim.index + 1 },
          { ...claim, index: claim.index - 1 },
          { ...claim, index: size },
          { ...claim, index: claim.index + 0.5 },
          { ...claim, index: claim.index + 2 ** 32 },
          { ...claim, size: size * 2 },
          { ...claim, size: 0 },
          ...misshapen(claim.proof).map((proof) => ({ ...claim, proof })),
        ];
        for (const wrong of claims) expect(await codeOf(() => verifyInclusion(wrong))).toBe('log_proof');
      }),
    );
  });

  it('is refused when it leads to the root from the place of another tree', async () => {
    // The last entry of a tree has all its siblings on the left, as a longer path from a tree of one would.
    for (const size of [2, 3, 8, 13]) {
      const last = inclusionOf(size - 1, size);
      expect(await codeOf(() => verifyInclusion({ ...last, index: 0, size: 1 }))).toBe('log_proof');
    }
    const first = inclusionOf(0, 4);
    expect(await codeOf(() => verifyInclusion({ ...first, size: 8 }))).toBe('log_proof');
  });

  it('is refused with a hash that is longer, though what is hashed would be the same', async () => {
    const claim = inclusionOf(1, 2);
    const longer = Uint8Array.from([...leaf(0), 0]);
    expect(await codeOf(() => verifyInclusion({ ...claim, proof: [longer] }))).toBe('log_proof');
  });

  it('is not planned for an entry that the tree does not have', async () => {
    for (const [index, size] of [
      [5, 5],
      [0, 0],
      [-1, 5],
      [0.5, 5],
      [0, 2 ** 53],
    ] as const) {
      expect(await codeOf(() => inclusionNodes(index, size))).toBe('log_proof');
    }
  });
});

describe('A proof of consistency', () => {
  it('holds between any two sizes', () => {
    fc.assert(fc.property(pair, ([oldSize, newSize]) => verifyConsistency(consistencyOf(oldSize, newSize))));
  });

  it('is refused when a bit of a root or a hash is another', async () => {
    await fc.assert(
      fc.asyncProperty(pair, fc.nat(), async ([oldSize, newSize], bit) => {
        const claim = consistencyOf(oldSize, newSize);
        const claims = [
          { ...claim, oldRoot: flipped(claim.oldRoot, bit) },
          { ...claim, newRoot: flipped(claim.newRoot, bit) },
          ...tampered(claim.proof, bit).map((proof) => ({ ...claim, proof })),
        ];
        for (const wrong of claims) expect(await codeOf(() => verifyConsistency(wrong))).toBe('log_proof');
      }),
    );
  });

  it('is refused with other than the hashes it needs', async () => {
    await fc.assert(
      fc.asyncProperty(pair, async ([oldSize, newSize]) => {
        const claim = consistencyOf(oldSize, newSize);
        for (const proof of misshapen(claim.proof)) {
          expect(await codeOf(() => verifyConsistency({ ...claim, proof }))).toBe('log_proof');
        }
      }),
    );
  });

  it('is refused for sizes that its hashes do not reach, and beyond those that they do', async () => {
    const claim = consistencyOf(3, 4);
    expect(await codeOf(() => verifyConsistency({ ...claim, newSize: 8 }))).toBe('log_proof');
    const beyond = {
      ...claim,
      oldRoot: hashNode(leaf(9), claim.oldRoot),
      newRoot: hashNode(leaf(9), claim.newRoot),
      proof: [...claim.proof, leaf(9)],
    };
    expect(await codeOf(() => verifyConsistency(beyond))).toBe('log_proof');
  });

  it('is refused with a hash that is longer, though what is hashed would be the same', async () => {
    const claim = consistencyOf(3, 4);
    const proof = claim.proof.map((hash, place) => (place === 2 ? Uint8Array.from([...hash, 0]) : hash));
    expect(proof).toHaveLength(3);
    expect(await codeOf(() => verifyConsistency({ ...claim, proof }))).toBe('log_proof');
  });

  it('is refused from an empty tree, which shows nothing', async () => {
    for (const newSize of [0, 1, 8]) {
      const newRoot = newSize === 0 ? EMPTY_ROOT : rootAt(newSize);
      const claim = { oldSize: 0, oldRoot: EMPTY_ROOT, newSize, newRoot, proof: [] };
      expect(await codeOf(() => verifyConsistency(claim))).toBe('log_proof');
    }
    expect(consistencyNodes(0, 8)).toEqual([]);
  });

  it('is refused from a larger tree, and never planned', async () => {
    const { oldRoot, newRoot, proof } = consistencyOf(3, 7);
    const back = { oldSize: 7, oldRoot: newRoot, newSize: 3, newRoot: oldRoot, proof };
    expect(await codeOf(() => verifyConsistency(back))).toBe('log_proof');
    for (const [oldSize, newSize] of [
      [7, 3],
      [-1, 3],
      [0.5, 3],
      [1, 2 ** 53],
    ] as const) {
      expect(await codeOf(() => consistencyNodes(oldSize, newSize))).toBe('log_proof');
    }
  });

  it('between trees of one size is empty, and needs one root', async () => {
    const same = consistencyOf(5, 5);
    expect(same.proof).toEqual([]);
    expect(await codeOf(() => verifyConsistency({ ...same, proof: [leaf(0)] }))).toBe('log_proof');
    expect(await codeOf(() => verifyConsistency({ ...same, newRoot: rootAt(6) }))).toBe('log_proof');
  });
});

describe('A tree larger than 32 bits can count', () => {
  const MARK = hashLeaf(Uint8Array.of(1));

  /** All leaves are alike but one: its subtrees are known without building the tree. */
  function hashOfHuge(marked: number): (node: NodeId) => Uint8Array {
    return function hashOfNode({ level, index }): Uint8Array {
      const covers = Math.floor(marked / 2 ** level) === index;
      if (level === 0) return covers ? MARK : leaf(0);
      const left = hashOfNode({ level: level - 1, index: index * 2 });
      if (!covers) return hashNode(left, left);
      return hashNode(left, hashOfNode({ level: level - 1, index: index * 2 + 1 }));
    };
  }

  const sizes = fc
    .maxSafeInteger()
    .map((size) => Math.abs(size))
    .filter((size) => size > 2 ** 33);

  it('includes an entry at its index alone', async () => {
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        async (size, at) => {
          const index = Math.floor(size * at);
          const hashHuge = hashOfHuge(index);
          const proof = buildProof(inclusionNodes(index, size), hashHuge);
          const root = rootOf(rootNodes(size).map(hashHuge));
          verifyInclusion({ index, size, leafHash: MARK, proof, root });
          const elsewhere = { index: index === 0 ? 1 : index - 1, size, leafHash: MARK, proof, root };
          expect(await codeOf(() => verifyInclusion(elsewhere))).toBe('log_proof');
        },
      ),
      { numRuns: 20 },
    );
  });

  it('begins with a smaller one of such a size', () => {
    fc.assert(
      fc.property(sizes, sizes, (one, other) => {
        const [oldSize, newSize] = [Math.min(one, other), Math.max(one, other)];
        const hashHuge = hashOfHuge(oldSize - 1);
        const proof = buildProof(consistencyNodes(oldSize, newSize), hashHuge);
        const [oldRoot, newRoot] = [oldSize, newSize].map((size) => rootOf(rootNodes(size).map(hashHuge)));
        if (oldRoot === undefined || newRoot === undefined) expect.fail('no roots');
        verifyConsistency({ oldSize, oldRoot, newSize, newRoot, proof });
      }),
      { numRuns: 20 },
    );
  });
});
