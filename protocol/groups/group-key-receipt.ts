import * as z from 'zod/mini';
import { digest, entityId, seconds } from '../claims.ts';
import { CountersignError } from '../errors.ts';
import { verifyIssued } from '../issued.ts';
import { decodeClaims } from '../jws.ts';
import type { OnlineKeys } from '../online-keys.ts';

/**
 * `group-key-receipt+jwt`: a group's bridge says now when it stored a `group-key+jwt`, which it took from that device
 * itself. Once the device is gone, it is what binds the token to a time at which the device was good: a device that was
 * stolen can date back what it signs. And it is short-lived, as evidence of now is: whoever is on the way cannot show the
 * group for ever as it once was.
 */
export const groupKeyReceiptSchema = z.strictObject({
  v: z.literal(1),
  iss: entityId,
  group: digest,
  /** sha256 of the token. */
  token: digest,
  device_id: digest,
  /** When the token was stored. */
  stored: seconds,
  iat: seconds,
  exp: seconds,
});

export type GroupKeyReceipt = z.infer<typeof groupKeyReceiptSchema>;

/** What a receipt says of itself: attacker-controlled, and only to find the token and the evidence. */
export function claimedReceipt(token: string): GroupKeyReceipt {
  return decodeClaims(token, 'group-key-receipt+jwt', groupKeyReceiptSchema);
}

/**
 * Verifies a receipt under its bridge's online keys of now. Throws `claims_invalid` for a token that is yet to be stored,
 * and what `verifyIssued` throws.
 */
export async function verifyGroupKeyReceipt(
  token: string,
  onlineKeys: OnlineKeys,
  now: number,
): Promise<GroupKeyReceipt> {
  const signer = { onlineKeys, purpose: 'statement' as const };
  const claims = await verifyIssued(token, 'group-key-receipt+jwt', groupKeyReceiptSchema, signer, now);
  if (claims.stored > claims.iat) throw new CountersignError('claims_invalid', 'it is not stored yet');
  return claims;
}
