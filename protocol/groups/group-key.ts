import * as z from 'zod/mini';
import { parseAddress } from '../address.ts';
import { digest, displayText, entityId, id, seconds } from '../claims.ts';
import type { SigningKey } from '../ed25519.ts';
import { CountersignError } from '../errors.ts';
import { signJws, verifyJws } from '../jws.ts';
import { encryptionKeySchema, signatureKeySchema, thumbprint } from '../public-key.ts';
import { deviceKey, type VerifiedSigner } from './signer-evidence.ts';

/** The most admins of a group: each holds the group's private half, sealed to their person key. */
export const GROUP_ADMINS = 16;

/** A person of the group's home company who may act for it. `sub` and address count only together. */
export const groupAdminSchema = z.strictObject({
  sub: id,
  address: z.string().check(z.maxLength(254), z.refine(isAddressInOneForm)),
});

export type GroupAdmin = z.infer<typeof groupAdminSchema>;

export const groupAdminsSchema = z
  .array(groupAdminSchema)
  .check(z.minLength(1), z.maxLength(GROUP_ADMINS), z.refine(areDistinct));

export const groupKind = z.enum(['meeting', 'durable']);
export type GroupKind = z.infer<typeof groupKind>;

/** What people read of a group. */
export const groupLabel = displayText(128).check(z.trim(), z.minLength(1));

const count = z.int().check(z.nonnegative());

/**
 * `group-key+jwt` (PROTOCOL §10): which key a group has, and who may act for it; by an admin's endorsed device. `seq`
 * counts these tokens of a group from 0, `prev` is sha256 of the one before. `iss`, `group`, `kind`, `key` and
 * `creator` never change.
 */
export const groupKeySchema = z.strictObject({
  v: z.literal(1),
  /** The bridge at which the group lives, and whose people its admins are. */
  iss: entityId,
  /** Thumbprint of `key`. */
  group: digest,
  kind: groupKind,
  label: groupLabel,
  /** G′, for the life of the group. */
  key: encryptionKeySchema,
  /** The key that signs the group's transform keys; another one with each `key_version`. */
  signer: signatureKeySchema,
  /** From 0; rises at every rotation. */
  key_version: count,
  seq: count,
  admins: groupAdminsSchema,
  /** When a meeting ends at the latest, seconds; null for durable groups. */
  ends: z.nullable(seconds),
  /** `sub` of the admin who made the group. */
  creator: id,
  iat: seconds,
  prev: z.nullable(digest),
});

export type GroupKey = z.infer<typeof groupKeySchema>;

/** The members of a group's newest key by which its other objects are judged. */
export type GroupAuthority = Pick<GroupKey, 'iss' | 'group' | 'admins'>;

/** Signs a group key with an admin's device. */
export async function signGroupKey(device: SigningKey, claims: GroupKey): Promise<string> {
  return signJws(device, 'group-key+jwt', claims);
}

/**
 * Verifies one `group-key+jwt` by itself: signature of this device, form, and that the id names the key. Whether the
 * signer may speak for the group is `verifyGroupKeyChain`'s to say. Throws `group_key_mismatch`, `group_key_chain`,
 * `group_not_admin`, `claims_invalid` and what `verifyJws` throws.
 */
export async function verifyGroupKey(token: string, signer: VerifiedSigner): Promise<GroupKey> {
  const claims = await verifyJws(token, 'group-key+jwt', groupKeySchema, ({ kid }) =>
    deviceKey(signer.device, kid),
  );
  assertGroupKeyForm(claims);
  if (claims.iss !== signer.device.iss) {
    throw new CountersignError('group_not_admin', 'admins are people of the group’s own company');
  }
  if (claims.seq === 0) {
    assertAdmin(claims, signer);
    if (claims.creator !== signer.device.sub) {
      throw new CountersignError('group_not_admin', 'another person signed than the creator');
    }
  }
  return claims;
}

/** Holds the members of one token against each other. Throws `group_key_mismatch`, `group_key_chain`, `claims_invalid`. */
export function assertGroupKeyForm(claims: GroupKey): void {
  if (claims.group !== thumbprint(claims.key)) throw new CountersignError('group_key_mismatch');
  if ((claims.kind === 'meeting') !== (claims.ends !== null)) {
    throw new CountersignError('claims_invalid', 'meetings, and only they, have an end');
  }
  if ((claims.seq === 0) !== (claims.prev === null)) {
    throw new CountersignError('group_key_chain', 'the first, and only it, has none before it');
  }
  if (claims.key_version > claims.seq) {
    throw new CountersignError('group_key_chain', 'the key cannot have been rotated so often');
  }
}

/** Refuses whoever is not, by `sub` *and* address, an admin of the group. Throws `group_not_admin`. */
export function assertAdmin(group: GroupAuthority, signer: VerifiedSigner): void {
  const { iss, sub } = signer.device;
  const listed = group.admins.some((admin) => admin.sub === sub && admin.address === signer.address);
  if (iss !== group.iss || !listed) throw new CountersignError('group_not_admin');
}

function isAddressInOneForm(text: string): boolean {
  try {
    return parseAddress(text).address === text;
  } catch {
    return false;
  }
}

function areDistinct(admins: readonly GroupAdmin[]): boolean {
  const subs = new Set(admins.map(({ sub }) => sub));
  const addresses = new Set(admins.map(({ address }) => address));
  return subs.size === admins.length && addresses.size === admins.length;
}
