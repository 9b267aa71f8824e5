import * as z from 'zod/mini';
import { labelled } from '../canonical-json.ts';
import { bytes, compactJws, digest, displayText, id, seconds } from '../claims.ts';
import { sha256Base64url } from '../hash.ts';
import { signedStatementSchema } from '../key-statement.ts';
import { type EncryptionKey, encryptionKeySchema, thumbprint } from '../public-key.ts';
import type { SharedPerson } from './organization-escrow.ts';

/*
 * What a closed person had escrowed to the organization is kept for a time, so that the company can read what they sealed
 * to themselves. It enrols nobody and transforms nothing: statement, devices, vault and transform keys are gone, and of the
 * bridge's share s two random shares are left, each sealed to another half of the recovery key. Whoever reads has a key of
 * their own, the reader's, which two administrators compare.
 */

/** A share sealed to the reader, or to a half. */
const share = bytes(8192);

/** What a share of s is sealed to a half with. */
export function keptShareContext(
  { iss, sub, address, key_version }: SharedPerson,
  half: EncryptionKey,
): Uint8Array<ArrayBuffer> {
  return labelled('kept-share', { iss, sub, address, key_version, half: thumbprint(half) });
}

/** The 256-bit fingerprint of a reader, which is no device's: neither passes for the other before an administrator. */
export function readerFingerprint(person: { iss: string; sub: string }, reader: EncryptionKey): string {
  return sha256Base64url(
    labelled('escrow-reader', { iss: person.iss, sub: person.sub, reader: thumbprint(reader) }),
  );
}

/** What a share of both, of the content of the vault and of s, is sealed to the reader with. */
export function releasedKeptContext(
  { iss, sub, address, key_version }: SharedPerson,
  half: EncryptionKey,
  { id: reading, fingerprint }: { readonly id: string; readonly fingerprint: string },
): Uint8Array<ArrayBuffer> {
  return labelled('released-kept-share', {
    ...{ iss, sub, address, key_version, half: thumbprint(half) },
    ...{ reading, reader: fingerprint },
  });
}

/** `GET /admin/v1/kept-escrows`. */
export const keptEscrowSchema = z.strictObject({
  id,
  sub: id,
  address: z.string(),
  key_version: z.int(),
  closed: seconds,
  /** When it is destroyed, as the bridge is configured now. */
  until: seconds,
});

/** `POST /admin/v1/kept-escrows/{id}/readings` → 201 `recoverySummarySchema`. */
export const readingBodySchema = z.strictObject({
  request_id: id,
  reader: encryptionKeySchema,
  /** Stands in the events, and before the administrators who decide. */
  reason: displayText(200).check(z.trim(), z.minLength(1)),
});

/** `POST /admin/v1/recoveries/{id}/opening` → 200: what two administrators released to the reader. */
export const releasedReadingSchema = z.strictObject({
  id,
  address: z.string(),
  /** `organization-escrow+jwt`. */
  token: compactJws,
  current: signedStatementSchema,
  /** In the order of its halves. */
  shares: z.tuple([share, share]),
  /** `device-endorsement+jwt` of the devices that the person had when they were closed. */
  endorsements: z.array(compactJws),
});

/** `POST /admin/v1/recoveries/{id}/key-openings` → 200 `keptKeySchema`. */
export const keptKeyBodySchema = z.strictObject({ key_id: id });

export const keptKeySchema = z.strictObject({
  /** The encrypted value, which nobody transformed. */
  encrypted: bytes(8192),
  /** `sealed-key+jwt`. */
  token: compactJws,
  /** Thumbprint of the device that signed it. */
  device_id: digest,
});

export type KeptEscrow = z.infer<typeof keptEscrowSchema>;
export type ReadingBody = z.infer<typeof readingBodySchema>;
export type ReleasedReading = z.infer<typeof releasedReadingSchema>;
export type KeptKey = z.infer<typeof keptKeySchema>;
