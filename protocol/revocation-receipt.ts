import * as z from 'zod/mini';
import { digest, entityId, id, seconds } from './claims.ts';
import { CountersignError } from './errors.ts';
import { partySchema } from './groups/party.ts';
import { verifyJws } from './jws.ts';
import { assertKeyInUse, type OnlineKey, type OnlineKeys } from './online-keys.ts';

const count = z.int().check(z.nonnegative());

/**
 * `revocation-receipt+jwt`: a bridge's statement that it has revoked, with what it deleted; for the records of who asked.
 * It has no end: it says what was done.
 */
export const revocationReceiptSchema = z.strictObject({
  iss: entityId,
  jti: id,
  iat: seconds,
  act: z.enum(['person-closed', 'person-reset', 'device-removed', 'member-removed']),
  sub: z.optional(id),
  device_id: z.optional(digest),
  group: z.optional(digest),
  /** Who was removed from the group. */
  member: z.optional(partySchema),
  /** How many were deleted. */
  transform_keys: count,
  tokens: count,
  /** The record's counter after the revocation: results of transforms that read a lower one are thrown away. */
  generation: count,
});

export type RevocationReceipt = z.infer<typeof revocationReceiptSchema>;

/** Verifies a receipt under its bridge's online keys. Throws `jws_issuer` and what `verifyJws` and `find` throw. */
export async function verifyRevocationReceipt(
  token: string,
  onlineKeys: OnlineKeys,
): Promise<RevocationReceipt> {
  let key: OnlineKey | undefined;
  const claims = await verifyJws(token, 'revocation-receipt+jwt', revocationReceiptSchema, ({ kid }) => {
    key = onlineKeys.find('statement', kid);
    return key.jwk;
  });
  if (claims.iss !== onlineKeys.iss) throw new CountersignError('jws_issuer');
  if (key === undefined) throw new CountersignError('internal');
  assertKeyInUse(key, claims.iat);
  return claims;
}
