import * as z from 'zod/mini';
import { TRANSFORMED_VAULT_BYTES, VAULT_BYTES } from '../api.ts';
import { bytes, bytes32, compactJws, digest, entityId, id, seconds } from '../claims.ts';
import { encryptionKeySchema, signatureKeySchema } from '../public-key.ts';
import { dataKindSchema } from '../recipients/data-kind.ts';
import { GROUP_ADMINS, groupAdminSchema, groupKind, groupLabel } from './group-key.ts';
import { GROUP_KEY_TOKENS } from './group-key-chain.ts';
import { partySchema } from './party.ts';
import { keptEvidenceSchema, signerEvidenceSchema } from './signer-evidence.ts';

/** The bodies of the client API for groups and sealed keys (`/v1`); those of meetings are in protocol/meetings. */

/** The most membership statements of one request, and members of one page: a client signs some hundred in a second. */
export const MEMBERSHIP_BATCH = 200;
/** The most exclusions of one request. */
export const EXCLUSION_BATCH = 200;
/**
 * The most people that a group excludes at a time: half of the largest meeting. Whoever is shown the group is shown them all, some
 * 600 bytes each: 3 MB.
 */
export const EXCLUSIONS = 5000;
/** Bytes of an encoded transform key, and of an encrypted value with three transforms; some more than they take. */
export const TRANSFORM_KEY_MAX = 4096;
export const ENCRYPTED_MAX = 4096;
/** Devices whose evidence one answer may carry. */
export const SIGNERS = 256;
/**
 * Durable groups of its own in which a bridge says that one person is. Each takes 62 bytes of a signed request: 32 kB of it in
 * all, within what every endpoint that takes them reads. Of somebody in more, those count whose ids come first.
 */
export const VIA_GROUPS = 512;

const count = z.int().check(z.nonnegative());
const signers = z.array(signerEvidenceSchema).check(z.maxLength(SIGNERS));
const kept = z.array(keptEvidenceSchema).check(z.maxLength(SIGNERS));
const schnorr = bytes(256);

/** A group by its home and its id. */
export const groupRefSchema = z.strictObject({ iss: entityId, group: digest });
export type GroupRef = z.infer<typeof groupRefSchema>;

/** `POST /v1/groups` → 201 `groupOfferSchema`: step 1 of making a group, as of an enrolment (PROTOCOL §10, §2). */
export const groupRequestSchema = z.strictObject({
  request_id: id,
  kind: groupKind,
  label: groupLabel,
  /** Seconds; null for durable groups. */
  ends: z.nullable(seconds),
  /** G: the client's half of the group's encryption key. */
  client_half: encryptionKeySchema,
  /** The key that will sign the group's transform keys. */
  signer: signatureKeySchema,
  /** `sub` of each admin, the creator among them. */
  admins: z.array(id).check(z.minLength(1), z.maxLength(GROUP_ADMINS)),
});

export const groupOfferSchema = z.strictObject({
  iss: entityId,
  offer_id: id,
  nonce: digest,
  policy_hash: digest,
  /** S: the bridge's share. */
  share: encryptionKeySchema,
  /** G′ = G + S. */
  group_key: encryptionKeySchema,
  /** Schnorr signature by s over the transcript T. */
  share_proof: schnorr,
  /** In the order of the request, each with the person key that their vault is sealed to. The client verifies them. */
  admins: z
    .array(z.extend(groupAdminSchema, { key: encryptionKeySchema, key_version: count }))
    .check(z.minLength(1), z.maxLength(GROUP_ADMINS)),
  /** Seconds. */
  expires: seconds,
});

/** The group's private content, sealed to each admin's person key, in the order of the token's admins. */
const vaults = z
  .array(z.strictObject({ sub: id, vault: bytes(VAULT_BYTES) }))
  .check(z.minLength(1), z.maxLength(GROUP_ADMINS));

/** `POST /v1/groups/offers/{offer_id}/confirmation` → 200 `groupViewSchema`: step 2. */
export const groupConfirmationSchema = z.strictObject({
  /** `group-key+jwt` number 0. */
  group_key: compactJws,
  /** Schnorr signature by g over the confirmation transcript. */
  half_proof: schnorr,
  vaults,
});

/** What a group is, for whoever takes part: nothing in it is believed before `verifyGroupKeyChain`. */
export const groupViewSchema = z.strictObject({
  iss: entityId,
  group: digest,
  /** `group-key+jwt`, oldest first, from `since_seq` on. */
  tokens: z.array(compactJws).check(z.minLength(1), z.maxLength(GROUP_KEY_TOKENS)),
  /** sha256 of the newest membership statement; null before the first. */
  members_head: z.nullable(digest),
  /** How many statements there have been; the next one's `seq`. */
  members_seq: count,
  /** How many members there are now. */
  members: count,
  /** Exclusions in force. */
  exclusions: z.array(compactJws).check(z.maxLength(EXCLUSIONS)),
  /** The devices that signed the above, as far as they are still somebody's. */
  signers,
  /** Of those that are nobody's any more, as of when they signed a `group-key+jwt`; `group-key-receipt+jwt` says when. */
  kept: z.optional(
    z.strictObject({
      signers: kept,
      receipts: z.array(compactJws).check(z.maxLength(GROUP_KEY_TOKENS)),
      /** `online-keys+jwt` of the group's bridge, under which the receipts are verified. */
      online_keys: compactJws,
    }),
  ),
  status: z.enum(['active', 'ended']),
});

/** `POST /v1/groups/view` → 200 `groupViewSchema`; of a foreign group through the home bridge. */
export const groupViewBodySchema = z.strictObject({
  ...groupRefSchema.shape,
  /** The number of the token that the client has pinned; all if absent. */
  since_seq: z.optional(count),
});

/** `GET /v1/groups`: the groups kept at this bridge in which the person takes part. */
export const groupListSchema = z.strictObject({
  groups: z.array(
    z.strictObject({
      ...groupRefSchema.shape,
      kind: groupKind,
      label: groupLabel,
      ends: z.nullable(seconds),
      status: z.enum(['active', 'ended']),
      role: z.enum(['admin', 'member']),
      /** To admins: the group's keys are old. */
      rotation_due: z.optional(z.literal('scheduled')),
      /** Since when, with `rotation_due`. */
      rotation_due_since: z.optional(seconds),
      /** The key version that is old, with `rotation_due`. */
      rotation_due_version: z.optional(z.int().check(z.nonnegative())),
      /** To admins: the device that signed the newest `group-key+jwt` is nobody's any more. */
      renewal_due: z.optional(z.literal('signer_gone')),
    }),
  ),
});

/** `GET /admin/v1/groups/rotations-due?after=`: the groups of a page whose keys are older than policy lets them be. */
export const dueGroupRotationsSchema = z.strictObject({
  /** How old they may be, seconds; 0 for however old. */
  life: seconds,
  groups: z.array(
    z.strictObject({
      group: digest,
      label: groupLabel,
      key_version: z.int(),
      /** Since when they are due. */
      due: seconds,
      /** Addresses; the app of any of them rotates. */
      admins: z.array(z.string()),
    }),
  ),
  next: z.nullable(digest),
});

/** `POST /v1/groups/{group}/members` → 200 `membersResultSchema`: additions, or removals, in the order of their chain. */
export const membersBodySchema = z.strictObject({
  request_id: id,
  tokens: z.array(compactJws).check(z.minLength(1), z.maxLength(MEMBERSHIP_BATCH)),
  /** The transform key of each addition, in the same order; none for removals. */
  transform_keys: z.array(bytes(TRANSFORM_KEY_MAX)).check(z.maxLength(MEMBERSHIP_BATCH)),
});

export const membersResultSchema = z.strictObject({
  members_head: digest,
  members_seq: count,
  members: count,
  /** `revocation-receipt+jwt` of each removal. */
  receipts: z.array(compactJws).check(z.maxLength(MEMBERSHIP_BATCH)),
});

/**
 * `GET /v1/groups/{group}/members?after=&kind=`: the members, by the statement that each is in by, in the order of `seq`; with
 * `kind=group` the durable groups alone.
 */
export const membersPageSchema = z.strictObject({
  tokens: z.array(compactJws).check(z.maxLength(MEMBERSHIP_BATCH)),
  signers,
  /** Of devices that are nobody's any more, as of when they signed. */
  kept: z.optional(kept),
  /** `after` of the next page; null at the end. */
  next: z.nullable(count),
});

/**
 * `POST /v1/groups/memberships` → 200 `membershipsSchema`: which of these people are in a group, for whoever takes part; of
 * a foreign group through the home bridge.
 */
export const membershipsBodySchema = z.strictObject({
  ...groupRefSchema.shape,
  people: z
    .array(z.strictObject({ iss: entityId, sub: id }))
    .check(z.minLength(1), z.maxLength(MEMBERSHIP_BATCH)),
});

/** The statement by which each is in, in no order. Of who is not in there is none. */
export const membershipsSchema = z.omit(membersPageSchema, { next: true });

/** `POST /v1/groups/{group}/exclusions` → 200 `groupViewSchema`. */
export const exclusionsBodySchema = z.strictObject({
  tokens: z.array(compactJws).check(z.minLength(1), z.maxLength(EXCLUSION_BATCH)),
});

/**
 * `POST /v1/groups/{group}/keys` → 200 `groupViewSchema`: the next `group-key+jwt`. With other admins, the vaults of
 * all of them. A rotation has all of `factor`, `client_half`, `half_proof` and `vaults`, and nothing else has the first
 * three.
 */
export const groupKeysBodySchema = z
  .strictObject({
    token: compactJws,
    vaults: z.optional(vaults),
    /** f = g_old − g_new, which the bridge adds to its share. */
    factor: z.optional(bytes32),
    /** The new G. */
    client_half: z.optional(encryptionKeySchema),
    /** Schnorr signature by the new g over the rotation's transcript. */
    half_proof: z.optional(schnorr),
  })
  .check(
    z.refine(({ vaults, factor, client_half, half_proof }) => {
      const given = [factor, client_half, half_proof].filter((part) => part !== undefined).length;
      return given === 0 || (given === 3 && vaults !== undefined);
    }),
  );

/** `GET /v1/groups/{group}/vault`: the admin's own sealed box, transformed for the asking device. */
export const groupVaultSchema = z.strictObject({
  vault: bytes(TRANSFORMED_VAULT_BYTES),
  key_version: count,
});

/** `POST /v1/sealed-keys` → 201 `sealedKeyReceiptSchema`, for a recipient here or elsewhere. */
export const sealedKeyBodySchema = z.strictObject({
  to: partySchema,
  /** `sealed-key+jwt` by the asking device. */
  token: compactJws,
  /** The encrypted value, without a transform. */
  encrypted: bytes(ENCRYPTED_MAX),
  /** Of what data it is the key: whoever takes no part in a group may seal to it where policy names it for such data. */
  data: z.optional(dataKindSchema),
});

export const sealedKeyReceiptSchema = z.strictObject({ to: partySchema, key_id: id });

/** `GET /v1/groups/{group}/sealed-keys?after=`: what is sealed to the group, oldest first. */
export const sealedKeysPageSchema = z.strictObject({
  tokens: z.array(compactJws).check(z.maxLength(MEMBERSHIP_BATCH)),
  signers,
  /** `after` of the next page; null at the end. */
  next: z.nullable(count),
});

/** `POST /v1/key-openings` → 200 `keyOpeningSchema`: a sealed key, transformed for the asking device. */
export const keyOpeningBodySchema = z.strictObject({
  request_id: id,
  to: partySchema,
  key_id: id,
});

export const keyOpeningSchema = z.strictObject({
  /** The encrypted value with `hops` transforms, the last of them to this device. */
  encrypted: bytes(ENCRYPTED_MAX),
  /** `sealed-key+jwt`: verify it, open, hold the plaintext against the commitment, and only then use the key. */
  token: compactJws,
  signer: signerEvidenceSchema,
  hops: z.int().check(z.minimum(1), z.maximum(3)),
});

export type GroupRequest = z.infer<typeof groupRequestSchema>;
export type GroupOffer = z.infer<typeof groupOfferSchema>;
export type GroupConfirmation = z.infer<typeof groupConfirmationSchema>;
export type GroupView = z.infer<typeof groupViewSchema>;
export type GroupViewBody = z.infer<typeof groupViewBodySchema>;
export type GroupList = z.infer<typeof groupListSchema>;
export type DueGroupRotations = z.infer<typeof dueGroupRotationsSchema>;
export type MembersBody = z.infer<typeof membersBodySchema>;
export type MembersResult = z.infer<typeof membersResultSchema>;
export type MembersPage = z.infer<typeof membersPageSchema>;
export type MembershipsBody = z.infer<typeof membershipsBodySchema>;
export type Memberships = z.infer<typeof membershipsSchema>;
export type ExclusionsBody = z.infer<typeof exclusionsBodySchema>;
export type GroupKeysBody = z.infer<typeof groupKeysBodySchema>;
export type GroupVault = z.infer<typeof groupVaultSchema>;
export type SealedKeyBody = z.infer<typeof sealedKeyBodySchema>;
export type SealedKeyReceipt = z.infer<typeof sealedKeyReceiptSchema>;
export type SealedKeysPage = z.infer<typeof sealedKeysPageSchema>;
export type KeyOpeningBody = z.infer<typeof keyOpeningBodySchema>;
export type KeyOpening = z.infer<typeof keyOpeningSchema>;
