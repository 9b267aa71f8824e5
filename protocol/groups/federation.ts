import * as z from 'zod/mini';
import { requestMembers, responseMembers } from '../bridge-request.ts';
import { bytes, compactJws, digest, id } from '../claims.ts';
import {
  ENCRYPTED_MAX,
  EXCLUSIONS,
  groupViewSchema,
  membershipsBodySchema,
  membershipsSchema,
  VIA_GROUPS,
} from './api.ts';
import { memberSchema } from './membership.ts';
import { partySchema } from './party.ts';
import { signerEvidenceSchema } from './signer-evidence.ts';

/**
 * What bridges ask each other about groups, in the envelope of bridge-request.ts. The asking bridge names one person of
 * its own, and the durable groups kept there (`via`) in which that person is: whoever is let in by them is its to say.
 */
const onBehalf = {
  group: digest,
  /** A person of the asking bridge. */
  sub: id,
  via: z.array(digest).check(z.maxLength(VIA_GROUPS)),
};

/** `key-opening-request+jwt`: one sealed key of a group here, for a person of the asker's. */
export const keyOpeningRequestSchema = z.strictObject({
  ...requestMembers,
  ...onBehalf,
  key_id: id,
  /** The first key version with the person's key of now: a membership of an earlier one leads to a key that they lost. */
  key_since: z.int().check(z.nonnegative()),
});

/** `key-opening-response+jwt`: the key as far as this bridge can transform it. */
export const keyOpeningResponseSchema = z.strictObject({
  ...responseMembers,
  group: digest,
  key_id: id,
  /** The person asked for, or one of `via`: whose key `encrypted` is for now. */
  target: memberSchema,
  hops: z.int().check(z.minimum(1), z.maximum(2)),
  /** The encrypted value with exactly `hops` transforms. */
  encrypted: bytes(ENCRYPTED_MAX),
  /** `sealed-key+jwt`. */
  token: compactJws,
  signer: signerEvidenceSchema,
  /** `group-exclusion+jwt` in force. */
  exclusions: z.array(compactJws).check(z.maxLength(EXCLUSIONS)),
});

/** `group-view-request+jwt`. */
export const groupViewRequestSchema = z.strictObject({
  ...requestMembers,
  ...onBehalf,
  since_seq: z.optional(z.int().check(z.nonnegative())),
});

/** `group-view-response+jwt`. */
export const groupViewResponseSchema = z.strictObject({ ...responseMembers, view: groupViewSchema });

/** `group-memberships-request+jwt`: which of these people are in a group here; `sub` takes part in it. */
export const groupMembershipsRequestSchema = z.strictObject({
  ...requestMembers,
  ...onBehalf,
  people: membershipsBodySchema.shape.people,
});

/** `group-memberships-response+jwt`. */
export const groupMembershipsResponseSchema = z.strictObject({
  ...responseMembers,
  memberships: membershipsSchema,
});

/** `sealed-key-deposit+jwt`: a person of the sending bridge has sealed a key to a recipient here. */
export const sealedKeyDepositSchema = z.strictObject({
  ...requestMembers,
  to: partySchema,
  /** Where the person is in a group here only by durable groups of the sender. */
  via: z.array(digest).check(z.maxLength(VIA_GROUPS)),
  token: compactJws,
  encrypted: bytes(ENCRYPTED_MAX),
  signer: signerEvidenceSchema,
});

/** `sealed-key-receipt+jwt`: it is stored. */
export const sealedKeyReceiptClaimsSchema = z.strictObject({
  ...responseMembers,
  to: partySchema,
  key_id: id,
});

export type KeyOpeningRequest = z.infer<typeof keyOpeningRequestSchema>;
export type KeyOpeningResponse = z.infer<typeof keyOpeningResponseSchema>;
