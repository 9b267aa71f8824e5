import { sha512 } from '@noble/hashes/sha2.js';
import { concatBytes } from '../bytes.ts';
import { CountersignError } from '../errors.ts';
import { vrfOutput } from './vrf.ts';
import {
  encodeToCurve,
  generateChallenge,
  Point,
  pointsToStrings,
  proofToHash,
  q,
  qLen,
  stringToInt,
} from './vrf-suite.ts';

/** Apart from verification, so that what only verifies (a browser) does not carry it. */

/** A VRF key: whoever has it can find out which names a log holds. */
export interface VrfSecret {
  readonly publicKey: Uint8Array;
  /** x (RFC 8032 §5.1.5), reduced by q. */
  readonly scalar: bigint;
  /** The second half of the hashed seed: nonces come from it. */
  readonly noncePrefix: Uint8Array;
}

/** The key of a 32-byte secret seed (RFC 9381 §5.5: as RFC 8032 §5.1.5 derives it). Throws `vrf_invalid`. */
export function vrfKeyPair(seed: Uint8Array): VrfSecret {
  if (seed.length !== 32) throw new CountersignError('vrf_invalid', 'a seed has 32 bytes');
  const hashed = sha512(seed);
  const low = hashed.slice(0, 32);
  low[0] = (low[0] ?? 0) & 0xf8;
  low[31] = ((low[31] ?? 0) & 0x7f) | 0x40;
  const scalar = stringToInt(low) % q;
  return { publicKey: Point.BASE.multiply(scalar).toBytes(), scalar, noncePrefix: hashed.slice(32) };
}

/**
 * ECVRF_prove (RFC 9381 §5.1): the proof, 80 bytes, and the output that it shows, 32 bytes as `vrfOutput` cuts it.
 * Points are multiplied by secrets in constant time, as far as the integers of JavaScript allow.
 */
export function vrfProve(secret: VrfSecret, input: Uint8Array): { proof: Uint8Array; output: Uint8Array } {
  const H = encodeToCurve(secret.publicKey, input);
  const Gamma = H.multiply(secret.scalar);
  const [hString] = pointsToStrings([H]);
  const k = generateNonce(secret, hString);
  const [gammaString, uString, vString, cofactorGamma] = pointsToStrings([
    Gamma,
    Point.BASE.multiply(k),
    H.multiply(k),
    Gamma.clearCofactor(),
  ]);
  const cString = generateChallenge(secret.publicKey, hString, gammaString, uString, vString);
  const s = (k + stringToInt(cString) * secret.scalar) % q;
  return {
    proof: concatBytes(gammaString, cString, intToString(s)),
    output: vrfOutput(proofToHash(cofactorGamma)),
  };
}

/** ECVRF_nonce_generation_RFC8032 (§5.4.2.2). */
function generateNonce({ noncePrefix }: VrfSecret, hString: Uint8Array): bigint {
  return stringToInt(sha512(concatBytes(noncePrefix, hString))) % q;
}

/** int_to_string (§5.5): little-endian, 32 bytes. */
function intToString(value: bigint): Uint8Array {
  return Uint8Array.from({ length: qLen }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
}
