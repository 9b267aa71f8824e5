import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPrefixReplay } from '../../bridge/keylog/audit/prefix-replay.ts';
import { type NaiveLeaf, naivePrefixRoot } from './naive-prefix-tree.ts';

const VECTORS = `${process.env.COUNTERSIGN_VECTORS ?? fileURLToPath(new URL('../../../shared/vectors', import.meta.url))}/keytrans/prefix-tree-katie-generated.json`;

/** Outputs that share long beginnings, which a dishonest log is free to choose. */
const output = fc
  .tuple(fc.integer({ min: 0, max: 31 }), fc.uint8Array({ minLength: 32, maxLength: 32 }))
  .map(([shared, bytes]) => Uint8Array.from(bytes, (byte, index) => (index < shared ? 0xa5 : byte)));
const leaf: fc.Arbitrary<NaiveLeaf> = fc.record({
  output,
  commitment: fc.uint8Array({ minLength: 32, maxLength: 32 }),
});
const epochs = fc.array(fc.array(leaf, { maxLength: 12 }), { maxLength: 8 });

describe('the replayed prefix tree', () => {
  it('has 32 zero bytes for a root while it is empty, and a lone leaf for one', () => {
    const tree = createPrefixReplay();
    expect(tree.root()).toEqual(Buffer.alloc(32));
    const only = { output: new Uint8Array(32).fill(7), commitment: new Uint8Array(32).fill(9) };
    tree.add(only.output, only.commitment);
    expect(tree.root()).toEqual(naivePrefixRoot([only]));
  });

  it('has the root that the definition gives, after each epoch, whatever the outputs are', () => {
    fc.assert(
      fc.property(epochs, (added) => {
        const tree = createPrefixReplay();
        const known = new Map<string, NaiveLeaf>();
        for (const epoch of added) {
          for (const one of epoch) {
            const name = Buffer.from(one.output).toString('hex');
            expect(tree.add(one.output, one.commitment)).toBe(!known.has(name));
            if (!known.has(name)) known.set(name, one);
          }
          expect(tree.root()).toEqual(naivePrefixRoot([...known.values()]));
          expect(tree.leaves).toBe(known.size);
        }
        [...known.values()].forEach((one, index) => {
          expect(tree.find(one.output)).toBe(index);
        });
      }),
    );
  });

  it('keeps its root when an output comes a second time with another commitment', () => {
    const tree = createPrefixReplay();
    const one = new Uint8Array(32).fill(1);
    tree.add(one, one);
    tree.add(new Uint8Array(32).fill(2), one);
    const before = tree.root();
    expect(tree.add(one, new Uint8Array(32).fill(3))).toBe(false);
    expect(tree.root()).toEqual(before);
  });

  it('goes on beyond the memory that it began with', () => {
    const tree = createPrefixReplay();
    const leaves = Array.from({ length: 3_000 }, (_, index) => {
      const bytes = Buffer.alloc(32);
      bytes.writeUInt32BE(Math.imul(index + 1, 2_654_435_761) >>> 0);
      return { output: bytes, commitment: Buffer.alloc(32, index) };
    });
    for (const one of leaves) {
      expect(tree.add(one.output, one.commitment)).toBe(true);
      if (one.output[3] === 0) tree.root();
    }
    expect(tree.root()).toEqual(naivePrefixRoot(leaves));
  });

  it.skipIf(!existsSync(VECTORS))('agrees with the roots of another implementation (vectors)', () => {
    const { Epochs } = JSON.parse(readFileSync(VECTORS, 'utf8')) as {
      Epochs: { added: [string, string][]; RootBefore: string; Root: string }[];
    };
    const tree = createPrefixReplay();
    for (const { added, RootBefore, Root } of Epochs) {
      expect(tree.root().toString('hex')).toBe(RootBefore);
      for (const [key, commitment] of added)
        tree.add(Buffer.from(key, 'hex'), Buffer.from(commitment, 'hex'));
      expect(tree.root().toString('hex')).toBe(Root);
    }
    expect(Epochs.length).toBeGreaterThan(0);
  });
});
