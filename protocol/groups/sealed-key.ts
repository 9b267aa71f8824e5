import * as z from 'zod/mini';
import { decodeBase64url } from '../base64url.ts';
import { concatBytes, equalBytes, utf8 } from '../bytes.ts';
import { digest, entityId, id, seconds } from '../claims.ts';
import type { SigningKey } from '../ed25519.ts';
import { CountersignError } from '../errors.ts';
import { sha256, sha256Base64url } from '../hash.ts';
import { signJws, verifyJws } from '../jws.ts';
import { type Party, partySchema, sameParty } from './party.ts';
import { deviceKey, type VerifiedSigner } from './signer-evidence.ts';

const count = z.nullable(z.int().check(z.nonnegative()));

/**
 * `sealed-key+jwt` (PROTOCOL §10): the sealer's device stands behind one encrypted key. Anybody can encrypt to a public
 * key; without this nobody knows who did.
 */
export const sealedKeySchema = z.strictObject({
  v: z.literal(1),
  /** Home and `sub` of the sealer. */
  iss: entityId,
  sub: id,
  /** Whose key it is encrypted to. */
  to: partySchema,
  /** Unique to the recipient. */
  key_id: id,
  /** Of a meeting's key; null for others. */
  term: count,
  epoch: count,
  /** sha256 of the newest membership statement that the sealer knew; null for a person, or before the first. */
  members: z.nullable(digest),
  /** sha256 of the encoded encrypted value, before any transform. */
  ciphertext: digest,
  commitment: digest,
  iat: seconds,
});

export type SealedKey = z.infer<typeof sealedKeySchema>;

/** Bytes of a plaintext of proxy re-encryption, from which the key is derived. */
const PLAINTEXT = 384;

const COMMITMENT_LABEL = utf8('countersign/sealed-key-commitment/v1\n');

/**
 * The commitment to a plaintext of 384 bytes. It is labelled because a bare sha256 of the plaintext *is* the
 * symmetric key. Throws `claims_invalid`.
 */
export function sealedKeyCommitment(plaintext: Uint8Array): string {
  if (plaintext.length !== PLAINTEXT) {
    throw new CountersignError('claims_invalid', `a sealed plaintext has ${PLAINTEXT} bytes`);
  }
  return sha256Base64url(concatBytes(COMMITMENT_LABEL, plaintext));
}

/** Signs a sealed key with the sealer's device. */
export async function signSealedKey(device: SigningKey, claims: SealedKey): Promise<string> {
  return signJws(device, 'sealed-key+jwt', claims);
}

/**
 * Verifies that the sealer's device stands behind the key that was asked for. Throws `sealed_key_mismatch`,
 * `claims_invalid` and what `verifyJws` throws.
 */
export async function verifySealedKey(
  token: string,
  sealer: VerifiedSigner,
  expected: { readonly to: Party; readonly key_id: string },
): Promise<SealedKey> {
  const claims = await verifyJws(token, 'sealed-key+jwt', sealedKeySchema, ({ kid }) =>
    deviceKey(sealer.device, kid),
  );
  if (claims.iss !== sealer.device.iss || claims.sub !== sealer.device.sub) {
    throw new CountersignError('sealed_key_mismatch', 'it names another sealer than the one who signed');
  }
  if (!sameParty(claims.to, expected.to) || claims.key_id !== expected.key_id) {
    throw new CountersignError('sealed_key_mismatch');
  }
  if ((claims.term === null) !== (claims.epoch === null)) {
    throw new CountersignError('claims_invalid', 'term and epoch stand together');
  }
  return claims;
}

/** Refuses an encrypted value (no transform yet) that is not the one signed for. Throws `sealed_key_mismatch`. */
export function assertSealedCiphertext(claims: Pick<SealedKey, 'ciphertext'>, encrypted: Uint8Array): void {
  if (sha256Base64url(encrypted) !== claims.ciphertext) {
    throw new CountersignError('sealed_key_mismatch', 'another ciphertext was signed');
  }
}

/** Refuses a plaintext that the sealer did not commit to, before anybody uses it. Throws `sealed_key_commitment`. */
export function assertSealedPlaintext(claims: Pick<SealedKey, 'commitment'>, plaintext: Uint8Array): void {
  if (plaintext.length !== PLAINTEXT) throw new CountersignError('sealed_key_commitment');
  const committed = decodeBase64url(claims.commitment, 32);
  if (!equalBytes(sha256(concatBytes(COMMITMENT_LABEL, plaintext)), committed)) {
    throw new CountersignError('sealed_key_commitment');
  }
}
