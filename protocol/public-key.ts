import * as z from 'zod/mini';
import { decodeBase64url } from './base64url.ts';
import { canonicalJson } from './canonical-json.ts';
import { bytes32 } from './claims.ts';
import { classifyPoint } from './ed25519-point.ts';
import { CountersignError } from './errors.ts';
import { sha256Base64url } from './hash.ts';

/** An Ed25519 public key as JWK (RFC 8037), with exactly the members that its thumbprint covers. */
export const signatureKeySchema = z.strictObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: bytes32,
});

/** A recrypt-256 public key, named by the same construction as an EC key. */
export const encryptionKeySchema = z.strictObject({
  kty: z.literal('EC'),
  crv: z.literal('recrypt-256'),
  x: bytes32,
  y: bytes32,
});

/** The long-lived keys of a person: `pre` (encryption) first, `sig` (signatures) second. */
export const keyPairSchema = z.tuple([encryptionKeySchema, signatureKeySchema]);

export type SignatureKey = z.infer<typeof signatureKeySchema>;
export type EncryptionKey = z.infer<typeof encryptionKeySchema>;

/** An EC key of whichever curve. */
type EllipticKey = Omit<EncryptionKey, 'crv'> & { readonly crv: string };

/** RFC 7638 thumbprint: base64url SHA-256 over the required members in lexical order. */
export function thumbprint(key: SignatureKey | EllipticKey): string {
  const required =
    key.kty === 'OKP'
      ? { crv: key.crv, kty: key.kty, x: key.x }
      : { crv: key.crv, kty: key.kty, x: key.x, y: key.y };
  return sha256Base64url(canonicalJson(required));
}

/**
 * Refuses Ed25519 keys that are no point of the curve or of small order: under a small-order key one signature
 * verifies for many messages. Throws `key_invalid`.
 */
export function assertSafeSignatureKey(key: SignatureKey): void {
  const kind = classifyPoint(pointOf(key));
  if (kind === 'no-point') {
    throw new CountersignError('key_invalid', 'the Ed25519 key is not a point of the curve');
  }
  if (kind === 'small-order') throw new CountersignError('key_invalid', 'the Ed25519 key is of small order');
}

function pointOf(key: SignatureKey): Uint8Array {
  try {
    return decodeBase64url(key.x, 32);
  } catch (cause) {
    throw new CountersignError('key_invalid', 'the Ed25519 key is not 32 bytes', { cause });
  }
}
