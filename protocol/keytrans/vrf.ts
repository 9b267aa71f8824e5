import { interleavedMSMUnsafe, mulAddUnsafe } from '@noble/curves/abstract/curve.js';
import { equalBytes } from '../bytes.ts';
import { CountersignError } from '../errors.ts';
import {
  type CurvePoint,
  cLen,
  encodeToCurve,
  generateChallenge,
  Point,
  pointsToStrings,
  proofToHash,
  ptLen,
  q,
  qLen,
  stringToInt,
  stringToPoint,
} from './vrf-suite.ts';

/** Bytes of a proof: Gamma[32] ‖ c[16] ‖ s[32]. */
export const VRF_PROOF_BYTES = ptLen + cLen + qLen;

/**
 * ECVRF_verify of ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381 §5.3), with validate_key: beta, 64 bytes, if `proof` (80
 * bytes) shows that it is this key's output for `input`. Throws `vrf_invalid` for a wrong proof, a key of small order, a
 * point in another than its one encoding, and an s that is not below q. All values are public, so it is variable-time.
 */
export function vrfVerify(publicKey: Uint8Array, input: Uint8Array, proof: Uint8Array): Uint8Array {
  const Y = decodeKey(publicKey);
  const { Gamma, gammaString, cString, s } = decodeProof(proof);
  const c = stringToInt(cString);
  const H = encodeToCurve(publicKey, input);
  const U = Point.BASE.multiplyUnsafe(s).add(Y.timesNegated(c));
  const V = mulAddUnsafe(Point, [H, Gamma.negate()], [s, c]);
  const [hString, uString, vString, cofactorGamma] = pointsToStrings([H, U, V, Gamma.clearCofactor()]);
  if (!equalBytes(generateChallenge(publicKey, hString, gammaString, uString, vString), cString)) {
    throw invalid('the proof is not for this key and input');
  }
  return proofToHash(cofactorGamma);
}

/** What KEYTRANS takes as the output: the first 32 bytes of beta. */
export function vrfOutput(beta: Uint8Array): Uint8Array {
  return beta.slice(0, 32);
}

interface DecodedProof {
  readonly Gamma: CurvePoint;
  readonly gammaString: Uint8Array;
  readonly cString: Uint8Array;
  readonly s: bigint;
}

/** ECVRF_decode_proof (§5.4.4). Whoever sends the proof controls every byte of it. */
function decodeProof(proof: Uint8Array): DecodedProof {
  if (proof.length !== VRF_PROOF_BYTES) throw invalid('a proof has 80 bytes');
  const gammaString = proof.subarray(0, ptLen);
  const Gamma = stringToPoint(gammaString);
  if (Gamma === undefined) throw invalid('Gamma is no point');
  const s = stringToInt(proof.subarray(ptLen + cLen));
  if (s >= q) throw invalid('s is not below q');
  return { Gamma, gammaString, cString: proof.subarray(ptLen, ptLen + cLen), s };
}

interface DecodedKey {
  /** −c · Y. */
  readonly timesNegated: (c: bigint) => CurvePoint;
}

/** A log has one key for its life, and every rung of every ladder is verified under it: some hundred partners' logs. */
const DECODED_KEYS = 256;
const decodedKeys = new Map<string, DecodedKey>();

/** string_to_point and ECVRF_validate_key (§5.4.5), once for each key. */
function decodeKey(publicKey: Uint8Array): DecodedKey {
  const name = publicKey.join();
  const known = decodedKeys.get(name);
  if (known !== undefined) return known;
  const Y = publicKey.length === ptLen ? stringToPoint(publicKey) : undefined;
  if (Y === undefined) throw invalid('the public key is no point');
  if (Y.isSmallOrder()) throw invalid('the public key is of small order');
  const key = { timesNegated: multiplesOf(Y.negate()) };
  for (const oldest of decodedKeys.keys()) {
    if (decodedKeys.size < DECODED_KEYS) break;
    decodedKeys.delete(oldest);
  }
  decodedKeys.set(name, key);
  return key;
}

const WORD = 32n;

/** c has 128 bits: with a table for each of its four words, 32 doublings do what would take 128. */
function multiplesOf(point: CurvePoint): (c: bigint) => CurvePoint {
  const shifts = [0n, WORD, 2n * WORD, 3n * WORD];
  const multiply = interleavedMSMUnsafe(
    Point,
    shifts.map((shift) => point.multiplyUnsafe(1n << shift)),
    5,
  );
  return (c) => multiply(shifts.map((shift) => BigInt.asUintN(Number(WORD), c >> shift)));
}

function invalid(detail: string): CountersignError {
  return new CountersignError('vrf_invalid', detail);
}
