import * as z from 'zod/mini';
import { digest, entityId, id, seconds } from '../claims.ts';
import type { SigningKey } from '../ed25519.ts';
import { CountersignError } from '../errors.ts';
import { signJws, verifyJws } from '../jws.ts';
import { assertAdmin, type GroupAuthority } from './group-key.ts';
import { deviceKey, type VerifiedSigner } from './signer-evidence.ts';

/**
 * `group-exclusion+jwt` (PROTOCOL §10): an admin's device shuts out a person who is in by a durable group, or lets
 * them in again. `nonce` counts once at the group's bridge.
 */
export const exclusionSchema = z.strictObject({
  v: z.literal(1),
  iss: entityId,
  group: digest,
  member: z.strictObject({ iss: entityId, sub: id }),
  act: z.enum(['exclude', 'readmit']),
  nonce: digest,
  iat: seconds,
});

export type Exclusion = z.infer<typeof exclusionSchema>;

/** Signs an exclusion with an admin's device. */
export async function signExclusion(device: SigningKey, claims: Exclusion): Promise<string> {
  return signJws(device, 'group-exclusion+jwt', claims);
}

/**
 * Verifies an exclusion by a device of one of the group's admins. Whoever only has to refuse need not: to shut out
 * takes no proof, to let in does. Throws `group_key_mismatch`, `group_not_admin` and what `verifyJws` throws.
 */
export async function verifyExclusion(
  token: string,
  signer: VerifiedSigner,
  group: GroupAuthority,
): Promise<Exclusion> {
  const claims = await verifyJws(token, 'group-exclusion+jwt', exclusionSchema, ({ kid }) =>
    deviceKey(signer.device, kid),
  );
  if (claims.iss !== group.iss || claims.group !== group.group) {
    throw new CountersignError('group_key_mismatch', 'the exclusion is of another group');
  }
  assertAdmin(group, signer);
  return claims;
}
