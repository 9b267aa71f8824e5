import * as z from 'zod/mini';
import { digest, entityId, seconds } from '../claims.ts';
import { CountersignError } from '../errors.ts';
import { decodeClaims, verifyJws } from '../jws.ts';
import { assertKeyInUse, type OnlineKey, type OnlineKeys } from '../online-keys.ts';

/**
 * `group-key-receipt+jwt`: a group's bridge says when it stored a `group-key+jwt`, which it took from that device itself.
 * It has no end. Once the device is gone, it is what binds the token to a time at which the device was good: a device
 * that was stolen can date back what it signs, and so can whoever is on the way.
 */
export const groupKeyReceiptSchema = z.strictObject({
  v: z.literal(1),
  iss: entityId,
  group: digest,
  /** sha256 of the token. */
  token: digest,
  device_id: digest,
  /** When it was stored. */
  iat: seconds,
});

export type GroupKeyReceipt = z.infer<typeof groupKeyReceiptSchema>;

/** What a receipt says of itself: attacker-controlled, and only to find the token and the evidence. */
export function claimedReceipt(token: string): GroupKeyReceipt {
  return decodeClaims(token, 'group-key-receipt+jwt', groupKeyReceiptSchema);
}

/**
 * Verifies a receipt under its bridge's online keys, as they were then. Throws `jws_issuer`, `jws_unknown_key`,
 * `key_compromised` and what `verifyJws` throws.
 */
export async function verifyGroupKeyReceipt(token: string, onlineKeys: OnlineKeys): Promise<GroupKeyReceipt> {
  let key: OnlineKey | undefined;
  const claims = await verifyJws(token, 'group-key-receipt+jwt', groupKeyReceiptSchema, ({ kid }) => {
    key = onlineKeys.find('statement', kid);
    return key.jwk;
  });
  if (claims.iss !== onlineKeys.iss) throw new CountersignError('jws_issuer');
  if (key === undefined) throw new CountersignError('internal');
  assertKeyInUse(key, claims.iat);
  return claims;
}
