import { normalizeZ } from '@noble/curves/abstract/curve.js';
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concatBytes } from '../bytes.ts';
import { CountersignError } from '../errors.ts';

/*
 * The cipher suite ECVRF-EDWARDS25519-SHA512-TAI of RFC 9381 §5.5: what proving and verifying share. Names of constants
 * and steps are the RFC's. Everything here is public: H, and the points that are encoded.
 */

export const { Point } = ed25519;
export type CurvePoint = typeof Point.BASE;

const suite_string = 0x03;
const encode_to_curve_domain_separator_front = 0x01;
const challenge_generation_domain_separator_front = 0x02;
const proof_to_hash_domain_separator_front = 0x03;
const domain_separator_back = 0x00;
export const ptLen = 32;
export const cLen = 16;
export const qLen = 32;
/** The order of the prime-order subgroup. */
export const q = Point.Fn.ORDER;

/**
 * ECVRF_encode_to_curve_try_and_increment (§5.4.1.1), salted with the key's bytes. One of about two hashes is a point;
 * that all 256 fail happens to nobody. Throws `vrf_invalid`.
 */
export function encodeToCurve(PK_string: Uint8Array, alpha_string: Uint8Array): CurvePoint {
  const hashed = concatBytes(
    Uint8Array.of(suite_string, encode_to_curve_domain_separator_front),
    PK_string,
    alpha_string,
    Uint8Array.of(0, domain_separator_back),
  );
  for (let ctr = 0; ctr < 256; ctr++) {
    hashed[hashed.length - 2] = ctr;
    const H = stringToPoint(sha512(hashed).subarray(0, ptLen))?.clearCofactor();
    if (H !== undefined && !H.is0()) return H;
  }
  throw new CountersignError('vrf_invalid', 'the input maps to no point');
}

/** ECVRF_challenge_generation (§5.4.3) of the encoded Y, H, Gamma, U and V: c, 16 bytes. */
export function generateChallenge(
  Y: Uint8Array,
  H: Uint8Array,
  Gamma: Uint8Array,
  U: Uint8Array,
  V: Uint8Array,
): Uint8Array {
  const front = Uint8Array.of(suite_string, challenge_generation_domain_separator_front);
  return sha512(concatBytes(front, Y, H, Gamma, U, V, Uint8Array.of(domain_separator_back))).slice(0, cLen);
}

/** ECVRF_proof_to_hash (§5.2), from the encoded cofactor · Gamma: beta, 64 bytes. */
export function proofToHash(cofactorGamma: Uint8Array): Uint8Array {
  const front = Uint8Array.of(suite_string, proof_to_hash_domain_separator_front);
  return sha512(concatBytes(front, cofactorGamma, Uint8Array.of(domain_separator_back)));
}

/** string_to_point (RFC 8032 §5.1.3): y below p, and no negative zero; `undefined` for INVALID. */
export function stringToPoint(bytes: Uint8Array): CurvePoint | undefined {
  try {
    return Point.fromBytes(bytes);
  } catch {
    return undefined;
  }
}

type Strings<Points extends readonly CurvePoint[]> = { [Index in keyof Points]: Uint8Array };

/** point_to_string (RFC 8032 §5.1.2) of several points, which share the one inversion. */
export function pointsToStrings<const Points extends readonly CurvePoint[]>(points: Points): Strings<Points>;
export function pointsToStrings(points: readonly CurvePoint[]): Uint8Array[] {
  return normalizeZ(Point, [...points]).map(({ X, Y }) => {
    const bytes = Point.Fp.toBytes(Y);
    if (X & 1n) bytes[ptLen - 1] = (bytes[ptLen - 1] ?? 0) | 0x80;
    return bytes;
  });
}

/** string_to_int (§5.5): little-endian. */
export function stringToInt(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
