import * as z from 'zod/mini';
import { labelled } from '../canonical-json.ts';
import { bytes, entityId, seconds } from '../claims.ts';
import { sha256Base64url } from '../hash.ts';
import { verifyIssued } from '../issued.ts';
import type { OnlineKeys } from '../online-keys.ts';
import { type EncryptionKey, encryptionKeySchema, thumbprint } from '../public-key.ts';

/** The public halves of an organization's recovery key, each one's private half with another administrator. */
export const recoveryHalvesSchema = z.tuple([encryptionKeySchema, encryptionKeySchema]);
export type RecoveryHalves = z.infer<typeof recoveryHalvesSchema>;

/** Keys before the current one that a client can be led by: a company that replaces its key every year is followed for long. */
export const RECOVERY_KEY_SUCCESSIONS = 8;

/** A recovery key of before, and by its two halves (Schnorr), in their order: which one takes its place. */
export const successionSchema = z.strictObject({
  halves: recoveryHalvesSchema,
  signatures: z.tuple([bytes(256), bytes(256)]),
});
export type Succession = z.infer<typeof successionSchema>;

/** `recovery-key+jwt`, by the bridge's `binding` key: what its people escrow to, and whether they must. */
export const organizationKeySchema = z.strictObject({
  iss: entityId,
  iat: seconds,
  exp: seconds,
  halves: recoveryHalvesSchema,
  required: z.boolean(),
  /** The keys before, the newest first, each with the signatures of its halves over the next one. */
  before: z.optional(z.array(successionSchema).check(z.maxLength(RECOVERY_KEY_SUCCESSIONS))),
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

/** What both holders of a recovery key sign, each with their half (Schnorr): the key that takes its place. */
export function successionTranscript(
  iss: string,
  before: RecoveryHalves,
  next: RecoveryHalves,
): Uint8Array<ArrayBuffer> {
  return labelled('recovery-key-succession', {
    iss,
    before: organizationKeyFingerprint(iss, before),
    next: organizationKeyFingerprint(iss, next),
  });
}

/** What random bytes are sealed to a half with in a drill: they are for nothing else. */
export function recoveryDrillContext(
  { iss, drill }: { readonly iss: string; readonly drill: string },
  half: EncryptionKey,
): Uint8Array<ArrayBuffer> {
  return labelled('recovery-drill', { iss, drill, half: thumbprint(half) });
}
