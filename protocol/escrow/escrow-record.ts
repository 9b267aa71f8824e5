import * as z from 'zod/mini';
import { decodeBase64url } from '../base64url.ts';
import { labelled } from '../canonical-json.ts';
import { bytes, compactJws, digest, entityId, id, seconds } from '../claims.ts';
import type { SigningKey } from '../ed25519.ts';
import { CountersignError } from '../errors.ts';
import { sha256Base64url } from '../hash.ts';
import { signJws, verifyJws } from '../jws.ts';
import type { KeyStatement } from '../key-statement.ts';
import { type EncryptionKey, encryptionKeySchema, thumbprint } from '../public-key.ts';

/** Bytes of a vault that is sealed to a recovery key. */
const BOX_BYTES = 8192;

/**
 * Argon2id (RFC 9106), version 0x13, with the second recommended set of §4: 3 passes over 64 MiB in 4 lanes. The first one
 * (2 GiB) does not fit into a browser's page or an old phone. A second or so in JavaScript, which is the price of each
 * guess too; but what makes guessing hopeless are the 84 bits of the passphrase. Other parameters are a new `v`.
 */
const keyDerivationSchema = z.strictObject({
  name: z.literal('argon2id'),
  passes: z.literal(3),
  /** KiB. */
  memory: z.literal(65_536),
  lanes: z.literal(4),
  /** 16 random bytes. */
  salt: z.string().check(z.regex(/^[A-Za-z0-9_-]{21}[AQgw]$/)),
});

export type KeyDerivation = z.infer<typeof keyDerivationSchema>;

/** The recovery key's private half, encrypted (AES-256-GCM) under what is derived from the passphrase. */
export const wrappedKeySchema = z.strictObject({
  derivation: keyDerivationSchema,
  /** 12 random bytes. */
  nonce: z.string().check(z.regex(/^[A-Za-z0-9_-]{16}$/)),
  /** 32 bytes and the tag. */
  key: z.string().check(z.regex(/^[A-Za-z0-9_-]{64}$/)),
});

export type WrappedKey = z.infer<typeof wrappedKeySchema>;

/**
 * `escrow+jwt` (PROTOCOL §9), by the person's `sig`: where the content of their vault rests beside the vault. It is sealed
 * to a recovery key, so that a rotation can seal the next content without the passphrase; `sig` vouches for the recovery
 * key, so that the bridge cannot put one of its own there.
 */
export const escrowRecordSchema = z.strictObject({
  v: z.literal(1),
  iss: entityId,
  sub: id,
  key_version: z.int().check(z.nonnegative()),
  method: z.literal('passphrase'),
  /** E. */
  recovery_key: encryptionKeySchema,
  wrapped: wrappedKeySchema,
  /** sha256 of the box. */
  box: digest,
  iat: seconds,
});

export type EscrowRecord = z.infer<typeof escrowRecordSchema>;

/** The record with what it is about: the vault's content sealed to E, or its two shares sealed to the organization's halves. */
export const escrowSchema = z.strictObject({
  token: compactJws,
  box: bytes(BOX_BYTES),
  /** Exactly where the organization can recover: the box of its second half. */
  second_box: z.optional(bytes(BOX_BYTES)),
});
export type Escrow = z.infer<typeof escrowSchema>;

/** Signs the record with the person's `sig`. */
export async function signEscrow(person: SigningKey, claims: EscrowRecord): Promise<string> {
  return signJws(person, 'escrow+jwt', claims);
}

type EscrowedPerson = Pick<KeyStatement, 'iss' | 'sub' | 'key_version' | 'keys' | 'escrow'>;

/**
 * Verifies a record under a verified statement: this person's, of this key version, by their `sig`, and of the kind
 * that the statement tells everybody. Throws `escrow_mismatch` and what `verifyJws` throws.
 */
export async function verifyEscrow(token: string, person: EscrowedPerson): Promise<EscrowRecord> {
  const sig = person.keys[1];
  const claims = await verifyJws(token, 'escrow+jwt', escrowRecordSchema, ({ kid }) => {
    if (kid !== thumbprint(sig))
      throw new CountersignError('escrow_mismatch', 'it is not by the current key');
    return sig;
  });
  const fits =
    claims.iss === person.iss && claims.sub === person.sub && claims.key_version === person.key_version;
  if (!fits) throw new CountersignError('escrow_mismatch', 'it is of another person or key version');
  if (claims.method !== person.escrow) {
    throw new CountersignError('escrow_mismatch', 'the statement declares another escrow');
  }
  return claims;
}

/** The bytes of the box, if they are the ones that the record names. Throws `escrow_mismatch`, `malformed_request`. */
export function escrowBox(claims: Pick<EscrowRecord, 'box'>, box: string): Uint8Array {
  const bytes = decodeBase64url(box);
  if (sha256Base64url(bytes) !== claims.box)
    throw new CountersignError('escrow_mismatch', 'it is another box');
  return bytes;
}

type Escrowed = Pick<EscrowRecord, 'iss' | 'sub'> & { readonly recovery_key: EncryptionKey };

/** What the vault's content is sealed to E with: for this person and key version, from this recovery key. */
export function escrowContext(escrow: Escrowed & { key_version: number }): Uint8Array<ArrayBuffer> {
  const { iss, sub, key_version, recovery_key } = escrow;
  return labelled('escrow', { iss, sub, key_version, recovery_key: thumbprint(recovery_key) });
}

/** What E's private half is wrapped with: rotations leave it as it is. */
export function recoveryKeyContext(escrow: Escrowed, derivation: KeyDerivation): Uint8Array<ArrayBuffer> {
  const { iss, sub, recovery_key } = escrow;
  return labelled('recovery-key', {
    iss,
    sub,
    recovery_key: thumbprint(recovery_key),
    derivation: { ...derivation },
  });
}
