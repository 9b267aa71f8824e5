import * as z from 'zod/mini';
import { labelled } from '../canonical-json.ts';
import { entityId, seconds } from '../claims.ts';
import { sha256Base64url } from '../hash.ts';
import { verifyIssued } from '../issued.ts';
import type { OnlineKeys } from '../online-keys.ts';
import { type EncryptionKey, encryptionKeySchema, thumbprint } from '../public-key.ts';

/** The public halves of an organization's recovery key, each one's private half with another administrator. */
export const recoveryHalvesSchema = z.tuple([encryptionKeySchema, encryptionKeySchema]);
export type RecoveryHalves = z.infer<typeof recoveryHalvesSchema>;

/** `recovery-key+jwt`, by the bridge's `binding` key: what its people escrow to, and whether they must. */
export const organizationKeySchema = z.strictObject({
  iss: entityId,
  iat: seconds,
  exp: seconds,
  halves: recoveryHalvesSchema,
  required: z.boolean(),
});

export type OrganizationKey = z.infer<typeof organizationKeySchema>;

/** Throws what `verifyIssued` throws. Whether it is the organization's, and not the bridge's own, a person compares. */
export function verifyOrganizationKey(
  token: string,
  onlineKeys: OnlineKeys,
  now: number,
): Promise<OrganizationKey> {
  const signer = { onlineKeys, purpose: 'binding' as const };
  return verifyIssued(token, 'recovery-key+jwt', organizationKeySchema, signer, now);
}

/** The 256-bit fingerprint of both halves, which the company hands out and clients pin. */
export function organizationKeyFingerprint(iss: string, [first, second]: RecoveryHalves): string {
  return sha256Base64url(
    labelled('organization-key', { iss, halves: [thumbprint(first), thumbprint(second)] }),
  );
}

/** What whoever registers a half signs with it (Schnorr), label `recovery-half`. */
export function recoveryHalfTranscript(iss: string, half: EncryptionKey): Uint8Array<ArrayBuffer> {
  return labelled('recovery-half', { iss, half: { ...half } });
}
