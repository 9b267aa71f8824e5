/*
 * Points of edwards25519 as RFC 8032 §5.1 encodes them. Public values only: nothing here runs in constant time.
 */

const P = 2n ** 255n - 19n;
/** d = −121665/121666 of the curve −x² + y² = 1 + d·x²·y². */
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;
/** y of the points of order 8 whose y² is the one root of d·y⁴ + 2y² − 1 that is a square. */
const ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022n;
/** y of the points of order 1, 2, 4 and 8; there are no others of small order, whichever sign x has. */
const SMALL_ORDER = new Set([1n, P - 1n, 0n, ORDER_8, P - ORDER_8]);

/** What 32 bytes are: `small-order` also where the sign of x = 0 is negative, which RFC 8032 does not decode. */
export type PointKind = 'safe' | 'small-order' | 'no-point';

/** Decodes y, and finds whether the curve has an x for it (RFC 8032 §5.1.3). y must be below p: one key, one encoding. */
export function classifyPoint(encoded: Uint8Array): PointKind {
  const y = decodeY(encoded);
  if (y >= P) return 'no-point';
  if (SMALL_ORDER.has(y)) return 'small-order';
  const u = (y * y - 1n) % P;
  const v = (D * y * y + 1n) % P;
  // x² = u/v, and u/v is a square exactly if u·v is; v is never 0, for −1/d is no square.
  return power(u * v, (P - 1n) / 2n) === 1n ? 'safe' : 'no-point';
}

/** Little-endian, without the bit that is the sign of x. */
function decodeY(encoded: Uint8Array): bigint {
  const hex = Array.from(encoded, (byte) => byte.toString(16).padStart(2, '0'));
  return BigInt(`0x${hex.reverse().join('')}`) & ((1n << 255n) - 1n);
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base % P;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}
