import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, utf8 } from '../../../protocol/bytes.ts';
import { label, vrfInput } from '../../../protocol/keytrans/label.ts';
import { vrfOutput, vrfVerify } from '../../../protocol/keytrans/vrf.ts';
import { vrfKeyPair, vrfProve } from '../../../protocol/keytrans/vrf-prove.ts';
import {
  encodeToCurve,
  generateChallenge,
  pointsToStrings,
  proofToHash,
  stringToPoint,
} from '../../../protocol/keytrans/vrf-suite.ts';
import { codeOf } from '../codes.ts';
import { hexBytes } from '../tlog/hex-bytes.ts';
import { describeWithVectors, vectorJson } from '../tlog/vectors.ts';
import { readKatie } from './katie-vectors.ts';
import { toHex } from './to-hex.ts';

const key = vrfKeyPair(new Uint8Array(32).fill(7));
const input = vrfInput(label('address', 'alice@acme.example'), 0);
const honest = vrfProve(key, input);
const q = ed25519.Point.Fn.ORDER;

const refused = (publicKey: Uint8Array, proof: Uint8Array, of = input) =>
  codeOf(() => vrfVerify(publicKey, of, proof));

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 255n));
}

function fromLittleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.slice().reverse())}`);
}

/** `proof` with other bytes from `offset` on. */
function altered(proof: Uint8Array, offset: number, bytes: Uint8Array): Uint8Array {
  const copy = proof.slice();
  copy.set(bytes, offset);
  return copy;
}

interface RfcExample {
  readonly example: number;
  readonly SK: string;
  readonly PK: string;
  readonly alpha: string;
  readonly pi: string;
  readonly beta: string;
}

describeWithVectors('the examples of RFC 9381, appendix B.3', () => {
  const examples = vectorJson<RfcExample[]>('vrf/rfc9381-ecvrf-examples.json');
  const ours = examples.filter(({ example }) => example >= 16 && example <= 18);

  it('are three', () => {
    expect(ours).toHaveLength(3);
  });

  it.each(ours)('example $example is proven and verified', ({ SK, PK, alpha, pi, beta }) => {
    const pair = vrfKeyPair(hexBytes(SK));
    expect(toHex(pair.publicKey)).toBe(PK);
    const { proof, output } = vrfProve(pair, hexBytes(alpha));
    expect(toHex(proof)).toBe(pi);
    expect(toHex(vrfVerify(hexBytes(PK), hexBytes(alpha), hexBytes(pi)))).toBe(beta);
    expect(toHex(output)).toBe(beta.slice(0, 64));
  });
});

describeWithVectors('the VRF outputs that Katie made', () => {
  const { Vrf } = readKatie();

  it.each(Vrf)('of $label, version $version, have our input, and our output by the proof', (vector) => {
    expect(toHex(vrfInput(utf8(vector.label), Number(vector.version)))).toBe(vector.vrfInput);
    const Gamma = ed25519.Point.fromBytes(hexBytes(vector.proof).slice(0, 32));
    expect(toHex(vrfOutput(proofToHash(Gamma.clearCofactor().toBytes())))).toBe(vector.output);
  });
});

describe('vrfVerify', () => {
  it('answers the output that was proven', () => {
    expect(vrfOutput(vrfVerify(key.publicKey, input, honest.proof))).toEqual(honest.output);
  });

  it('refuses a proof for another input', async () => {
    const other = vrfInput(label('address', 'alice@acme.example'), 1);
    expect(await refused(key.publicKey, honest.proof, other)).toBe('vrf_invalid');
  });

  it('refuses a proof under another key', async () => {
    const other = vrfKeyPair(new Uint8Array(32).fill(8));
    expect(await refused(other.publicKey, honest.proof)).toBe('vrf_invalid');
  });

  it('refuses a proof with any byte altered', async () => {
    for (let index = 0; index < honest.proof.length; index++) {
      const flipped = altered(honest.proof, index, Uint8Array.of((honest.proof[index] ?? 0) ^ 1));
      expect(await refused(key.publicKey, flipped), `byte ${index}`).toBe('vrf_invalid');
    }
  });

  it('refuses an s that is q more than the honest one', async () => {
    const s = fromLittleEndian(honest.proof.slice(48));
    expect(await refused(key.publicKey, altered(honest.proof, 48, littleEndian(s + q)))).toBe('vrf_invalid');
  });

  it('refuses a Gamma whose y is not below p', async () => {
    const identityPlusP = littleEndian(2n ** 255n - 19n + 1n);
    expect(await refused(key.publicKey, altered(honest.proof, 0, identityPlusP))).toBe('vrf_invalid');
  });

  it('refuses a Gamma with a part of small order added: the challenge is over its bytes', async () => {
    const torsion = ed25519.Point.fromBytes(hexBytes(SMALL_ORDER[2] ?? ''));
    const moved = ed25519.Point.fromBytes(honest.proof.slice(0, 32)).add(torsion);
    expect(await refused(key.publicKey, altered(honest.proof, 0, moved.toBytes()))).toBe('vrf_invalid');
  });

  it.each([0, 79, 81])('refuses a proof of %i bytes', async (length) => {
    const proof = new Uint8Array(length);
    proof.set(honest.proof.slice(0, length));
    expect(await refused(key.publicKey, proof)).toBe('vrf_invalid');
  });

  it('refuses a public key of small order, under which anything could be proven', async () => {
    for (const encoded of SMALL_ORDER) {
      expect(await refused(hexBytes(encoded), forgedUnder(hexBytes(encoded))), encoded).toBe('vrf_invalid');
    }
  });

  it('refuses a public key in another than its one encoding', async () => {
    const one = littleEndian(2n ** 255n - 19n + 1n);
    expect(await refused(one, honest.proof)).toBe('vrf_invalid');
    const negativeZero = littleEndian(1n);
    negativeZero[31] = 0x80;
    expect(await refused(negativeZero, honest.proof)).toBe('vrf_invalid');
  });

  it('takes no point in a second encoding, with y not below p or a negative zero', () => {
    for (let y = 0n; y < 19n; y++) {
      for (const sign of [0, 0x80]) {
        const encoded = littleEndian(2n ** 255n - 19n + y);
        encoded[31] = (encoded[31] ?? 0) | sign;
        expect(stringToPoint(encoded)).toBeUndefined();
      }
    }
    const negativeZero = littleEndian(1n);
    negativeZero[31] = 0x80;
    expect(stringToPoint(negativeZero)).toBeUndefined();
  });

  it.each([0, 31, 33])('refuses a public key of %i bytes', async (length) => {
    expect(await refused(new Uint8Array(length).fill(9), honest.proof)).toBe('vrf_invalid');
  });

  it('answers for any input what was proven for it, and nothing for the next', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (bytes) => {
        const { proof, output } = vrfProve(key, bytes);
        expect(vrfOutput(vrfVerify(key.publicKey, bytes, proof))).toEqual(output);
        expect(await refused(key.publicKey, proof, Uint8Array.of(...bytes, 0))).toBe('vrf_invalid');
      }),
      { numRuns: 25 },
    );
  });
});

/** The canonical encodings of points of order 1, 2, 4 and 8. */
const SMALL_ORDER = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
];

/**
 * A proof that holds in every equation, made without a secret: c·Y and c·Gamma vanish where c is a multiple of the
 * cofactor, which one nonce in eight brings about.
 */
function forgedUnder(publicKey: Uint8Array): Uint8Array {
  const H = encodeToCurve(publicKey, input);
  for (let k = 1n; ; k++) {
    const [h, u, v] = pointsToStrings([H, ed25519.Point.BASE.multiply(k), H.multiply(k)]);
    const c = generateChallenge(publicKey, h, publicKey, u, v);
    if (((c[0] ?? 1) & 7) === 0) return concatBytes(publicKey, c, littleEndian(k));
  }
}

describe('vrfKeyPair', () => {
  it('refuses a seed of another length', async () => {
    expect(await codeOf(() => vrfKeyPair(new Uint8Array(31)))).toBe('vrf_invalid');
  });
});
