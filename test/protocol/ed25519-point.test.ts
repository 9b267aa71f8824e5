import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classifyPoint } from '../../protocol/ed25519-point.ts';

/** What an independent implementation says of the same bytes. */
function classifiedByNoble(encoded: Uint8Array): string {
  try {
    return ed25519.Point.fromBytes(encoded).isSmallOrder() ? 'small-order' : 'safe';
  } catch {
    return 'no-point';
  }
}

const P = 2n ** 255n - 19n;

function encode(y: bigint, sign: number): Uint8Array {
  const bytes = Uint8Array.from({ length: 32 }, (_, index) => Number((y >> BigInt(8 * index)) & 255n));
  bytes[31] = (bytes[31] ?? 0) | (sign << 7);
  return bytes;
}

const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const ORDER_8 = fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a');

describe('classifyPoint', () => {
  it('agrees with another implementation on any 32 bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        expect(classifyPoint(bytes)).toBe(classifiedByNoble(bytes));
      }),
      { numRuns: 300 },
    );
  });

  it('agrees with another implementation at both ends of the field', () => {
    for (let step = 2n; step < 20n; step += 1n) {
      for (const y of [step, P - step]) {
        for (const sign of [0, 1]) {
          const bytes = encode(y, sign);
          expect(classifyPoint(bytes)).toBe(classifiedByNoble(bytes));
        }
      }
    }
  });

  it('finds every multiple of a point of order 8 to be of small order', () => {
    const generator = ed25519.Point.fromBytes(ORDER_8);
    let point = generator;
    const seen = new Set<string>();
    for (let multiple = 1; multiple <= 8; multiple += 1) {
      expect(classifyPoint(point.toBytes())).toBe('small-order');
      seen.add(point.toHex());
      point = point.add(generator);
    }
    expect(seen.size).toBe(8);
  });

  it('takes no second encoding of a point', () => {
    for (let y = 0n; y < 19n; y += 1n) {
      for (const sign of [0, 1]) expect(classifyPoint(encode(y + P, sign))).toBe('no-point');
    }
  });

  it('takes an honest key with a part of small order for what other implementations do', () => {
    const mixed = ed25519.Point.BASE.add(ed25519.Point.fromBytes(ORDER_8)).toBytes();
    expect(classifyPoint(mixed)).toBe(classifiedByNoble(mixed));
  });
});
