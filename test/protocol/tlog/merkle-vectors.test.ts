import { expect, it } from 'vitest';
import { utf8 } from '../../../protocol/bytes.ts';
import { isCountersignError } from '../../../protocol/errors.ts';
import { decodeBase64 } from '../../../protocol/tlog/base64.ts';
import { EMPTY_ROOT, hashLeaf, verifyConsistency, verifyInclusion } from '../../../protocol/tlog/merkle.ts';
import { hexBytes } from './hex-bytes.ts';
import { rootOfLeaves } from './small-tree.ts';
import { describeWithVectors, vectorJson } from './vectors.ts';

interface Case {
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}
interface InclusionCase extends Case {
  readonly leafIdx: number;
  readonly root: string;
  readonly leafHash: string;
}
interface ConsistencyCase extends Case {
  readonly root1: string;
  readonly root2: string;
}

/** A hash of a vector, which may be of any length: many have one that is empty or cut short. */
function hash(text: string): Uint8Array {
  return decodeBase64(text) ?? new Uint8Array();
}

function hashes(proof: readonly string[] | null): Uint8Array[] {
  return (proof ?? []).map(hash);
}

/** Whether it holds; anything but our refusal fails the test. */
function holds(verify: () => void): boolean {
  try {
    verify();
    return true;
  } catch (error) {
    if (isCountersignError(error, 'log_proof')) return false;
    throw error;
  }
}

function inclusionHolds(vector: InclusionCase, start: number, end: number): boolean {
  return holds(() =>
    verifyInclusion({
      index: vector.leafIdx - start,
      size: end - start,
      leafHash: hash(vector.leafHash),
      proof: hashes(vector.proof),
      root: hash(vector.root),
    }),
  );
}

function consistencyHolds(vector: ConsistencyCase, oldSize: number, newSize: number): boolean {
  return holds(() =>
    verifyConsistency({
      oldSize,
      oldRoot: hash(vector.root1),
      newSize,
      newRoot: hash(vector.root2),
      proof: hashes(vector.proof),
    }),
  );
}

function wholeTrees<Vector extends { start: number; end: number }>(
  vectors: Record<string, Vector>,
): [string, Vector][] {
  return Object.entries(vectors).filter(([, { start, end }]) => start === 0 && end > 0);
}

describeWithVectors('The public vectors of RFC 6962', () => {
  it('give the hashes and roots of the reference tree', () => {
    const reference = vectorJson<{
      leafInputsHex: string[];
      emptyRoot: string;
      rootHashesBySize1to8: string[];
      nodeHashesFlatLevel0to3: string[];
    }>('rfc6962-merkle/reference-8-leaves.json');
    const leaves = reference.leafInputsHex.map((leaf) => hashLeaf(hexBytes(leaf)));
    expect(EMPTY_ROOT).toEqual(hexBytes(reference.emptyRoot));
    expect(leaves).toEqual(reference.nodeHashesFlatLevel0to3.slice(0, 8).map(hexBytes));
    const roots = leaves.map((_, index) => rootOfLeaves(leaves.slice(0, index + 1)));
    expect(roots).toEqual(reference.rootHashesBySize1to8.map(hexBytes));
  });

  it('give the hash of a record of Go’s checksum database', () => {
    const { 'go format tree': tree } = vectorJson<{
      'go format tree': { recordHashOf: string; text: string };
    }>('notes/c2sp-examples.json');
    const [, , recordHash = ''] = tree.text.split('\n');
    expect(hashLeaf(utf8(tree.recordHashOf))).toEqual(hash(recordHash));
  });

  it('are told apart: proofs of inclusion', () => {
    const vectors = vectorJson<Record<string, InclusionCase & { treeSize: number }>>(
      'rfc6962-merkle/inclusion.json',
    );
    for (const [name, vector] of Object.entries(vectors)) {
      expect(inclusionHolds(vector, 0, vector.treeSize), name).toBe(!vector.wantErr);
    }
  });

  it('are told apart: proofs of consistency', () => {
    const vectors = vectorJson<Record<string, ConsistencyCase & { size1: number; size2: number }>>(
      'rfc6962-merkle/consistency.json',
    );
    for (const [name, vector] of Object.entries(vectors)) {
      expect(consistencyHolds(vector, vector.size1, vector.size2), name).toBe(!vector.wantErr);
    }
  });

  // Subtrees that begin behind the first entry, or are empty, are for ML-DSA cosignatures, which we pass over: of
  // these two files only the whole trees concern us.
  it('are told apart: proofs of inclusion in a subtree that is a whole tree', () => {
    const vectors = vectorJson<Record<string, InclusionCase & { start: number; end: number }>>(
      'rfc6962-merkle/subtreeinclusion.json',
    );
    for (const [name, vector] of wholeTrees(vectors)) {
      expect(inclusionHolds(vector, 0, vector.end), name).toBe(!vector.wantErr);
    }
  });

  it('are told apart: proofs of consistency of a subtree that is a whole tree', () => {
    const vectors = vectorJson<
      Record<string, ConsistencyCase & { start: number; end: number; size: number }>
    >('rfc6962-merkle/subtreeconsistency.json');
    for (const [name, vector] of wholeTrees(vectors)) {
      expect(consistencyHolds(vector, vector.end, vector.size), name).toBe(!vector.wantErr);
    }
  });
});
