import * as z from 'zod/mini';
import { digest, entityId, id, seconds } from '../claims.ts';
import type { SigningKey } from '../ed25519.ts';
import { CountersignError } from '../errors.ts';
import { signJws, verifyJws } from '../jws.ts';
import { assertAdmin, type GroupAuthority } from './group-key.ts';
import { deviceKey, type VerifiedSigner } from './signer-evidence.ts';

const count = z.int().check(z.nonnegative());

/** A person of any company, by the version of their key. */
export const personMemberSchema = z.strictObject({ iss: entityId, sub: id, key_version: count });
/** A durable group of any company. */
export const groupMemberSchema = z.strictObject({ iss: entityId, group: digest, key_version: count });
export const memberSchema = z.union([personMemberSchema, groupMemberSchema]);

export type PersonMember = z.infer<typeof personMemberSchema>;
export type GroupMember = z.infer<typeof groupMemberSchema>;
export type Member = z.infer<typeof memberSchema>;

const common = {
  v: z.literal(1),
  iss: entityId,
  group: digest,
  seq: count,
  member: memberSchema,
  group_key_version: count,
  nonce: digest,
  iat: seconds,
  prev: z.nullable(digest),
};

/**
 * `group-membership+jwt` (PROTOCOL §10): an admin's device adds or removes a member. The statements of a group are one
 * chain: `seq` counts them from 0, `prev` is sha256 of the one before. What is signed names the transform key, both
 * key versions and a nonce: none of it can be used again, for another key, or for another group.
 */
export const membershipSchema = z.discriminatedUnion('act', [
  z.strictObject({
    act: z.literal('add'),
    ...common,
    /** sha256 of the encoded transform key from the group to the member, before the bridge augments it. */
    transform_key: digest,
  }),
  z.strictObject({ act: z.literal('remove'), ...common }),
]);

export type Membership = z.infer<typeof membershipSchema>;

/** Where the chain of a group's membership statements stands; null before the first. */
export type MembershipHead = { readonly seq: number; readonly hash: string } | null;

/** Signs a membership statement with an admin's device. */
export async function signMembership(device: SigningKey, claims: Membership): Promise<string> {
  return signJws(device, 'group-membership+jwt', claims);
}

/**
 * Verifies a statement by a device of one of the group's admins. Where it stands in the chain is for
 * `assertMembershipFollows`. Throws `group_key_mismatch` (another group's), `group_not_admin`, `claims_invalid` and
 * what `verifyJws` throws.
 */
export async function verifyMembership(
  token: string,
  signer: VerifiedSigner,
  group: GroupAuthority,
): Promise<Membership> {
  const claims = await verifyJws(token, 'group-membership+jwt', membershipSchema, ({ kid }) =>
    deviceKey(signer.device, kid),
  );
  if (claims.iss !== group.iss || claims.group !== group.group) {
    throw new CountersignError('group_key_mismatch', 'the membership is of another group');
  }
  assertAdmin(group, signer);
  if ((claims.seq === 0) !== (claims.prev === null)) {
    throw new CountersignError('claims_invalid', 'the first statement, and only it, has none before it');
  }
  if (isGroupMember(claims.member) && claims.member.group === claims.group) {
    throw new CountersignError('claims_invalid', 'a group is no member of itself');
  }
  return claims;
}

/** Refuses a statement that was made on another head than this one. Throws `conflict`: fetch the head and sign again. */
export function assertMembershipFollows(claims: Membership, head: MembershipHead): void {
  const follows =
    head === null
      ? claims.seq === 0 && claims.prev === null
      : claims.seq === head.seq + 1 && claims.prev === head.hash;
  if (!follows) throw new CountersignError('conflict', 'the members of the group have changed');
}

export function isGroupMember(member: Member): member is GroupMember {
  return 'group' in member;
}
