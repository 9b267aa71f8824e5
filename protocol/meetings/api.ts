import * as z from 'zod/mini';
import { bytes, compactJws, digest, entityId, id, seconds } from '../claims.ts';
import { credentialSchema } from '../credential.ts';
import { signerEvidenceSchema } from '../groups/signer-evidence.ts';
import { admissionToken } from './admission.ts';
import { MEMBERS_PAGE, PLACEMENT_BYTES, REKEY_JOINS, ROSTER_DEVICES, TREE_LEVELS } from './limits.ts';
import { rekeyToken } from './rekey-message.ts';

/**
 * The bodies of the meeting routes (`/v1/meetings`), one schema for the bridge that parses them and the client that
 * makes them.
 */

/** A meeting: its home bridge and its group. */
const meeting = { iss: entityId, group: digest };

/** Counts the entries of a meeting's relay log, which is what the stream's event ids are. */
const seq = z.int().check(z.nonnegative());

const address = z.string().check(z.minLength(1), z.maxLength(254));

/** An encoded recrypt value with the blocks of at most three hops. */
const encryptedValue = bytes(4_096);

/** `POST /v1/meetings/state` → 200 `meetingStateSchema`; also the body of `POST /v1/meetings/leave` → 204. */
export const meetingRequestSchema = z.strictObject(meeting);

export const meetingStateSchema = z.strictObject({
  /** The newest message; null before the first. */
  rekey: z.nullable(rekeyToken),
  /** The sealed key of the newest epoch; null where none is sealed to the group. */
  key_id: z.nullable(id),
  /** The statement that `rekey` names; absent where it names none. */
  admission: z.optional(admissionToken),
  /** Of the device that signed `rekey`, made now. */
  signers: z.array(signerEvidenceSchema).check(z.maxLength(16)),
  /** The newest entry of the relay log: a stream from here on misses nothing after `rekey`. */
  seq,
});

/** What the host hands to one newcomer: only its device can open the box (placement.ts). */
export const placementSchema = z.strictObject({
  device_id: digest,
  iss: entityId,
  box: bytes(PLACEMENT_BYTES),
});

/**
 * `POST /v1/meetings/rekeys` → 201 `{seq}`, by the host: compare-and-swap on (term, epoch, `prev`), else `conflict`.
 * The same token again is answered as the first time.
 */
export const rekeyUploadSchema = z.strictObject({
  token: rekeyToken,
  /** The epoch's key sealed to the group; `sealed-key+jwt` with the message's `key_id` and `commitment`, if it has them. */
  sealed_key: z.optional(z.strictObject({ token: compactJws, encrypted: encryptedValue })),
  /** The statement that the message names, if the message before named another one. */
  admission: z.optional(admissionToken),
  /** One for each of the message's `joined`. */
  placements: z.array(placementSchema).check(z.maxLength(REKEY_JOINS)),
});

export const relayedSchema = z.strictObject({ seq });

/**
 * A device's presence as its person shows it; attributes are for one audience, which other participants are not. What the
 * proof rests on is as fresh as its newest renewal.
 */
export const presenceEvidenceSchema = z.strictObject({
  proof: compactJws,
  /** `presence-renewal+jwt` of the proof; absent before the first. */
  renewal: z.optional(compactJws),
  credential: z.omit(credentialSchema, { attributes: true }),
  device_binding: compactJws,
  address,
});

/** What a device shows that comes. */
export const firstPresenceSchema = z.omit(presenceEvidenceSchema, { renewal: true });

/** `POST /v1/meetings/presence` → 201 `{seq}`. */
export const presenceUploadSchema = z.strictObject({ ...meeting, ...firstPresenceSchema.shape });

/**
 * `POST /v1/meetings/presence/renewals` → 201 `presenceRenewedSchema`: the device is still there. Nobody gets a place by
 * it, or another one.
 */
export const renewalUploadSchema = z.strictObject({ ...meeting, renewal: compactJws });

/** `expires`: when the credential or the device binding ends that go with the presence from now on, seconds. */
export const presenceRenewedSchema = z.strictObject({ expires: seconds });

/** `POST /v1/meetings/members` → 200 `meetingMembersSchema`: who has a place, for who came later, by pages. */
export const membersRequestSchema = z.strictObject({
  ...meeting,
  /** Only leaves above this one. */
  after: z.optional(z.int().check(z.gte(0), z.lt(2 ** TREE_LEVELS))),
});

/** A place in the tree. What a bridge lists is held against the root in the message of this hash. */
export const memberSchema = z.strictObject({
  leaf: z.int().check(z.gte(0), z.lt(2 ** TREE_LEVELS)),
  iss: entityId,
  sub: id,
  device_id: digest,
});

export const meetingMembersSchema = z.strictObject({
  /** sha256 of the message after which it is so; another one on the next page means to begin again. */
  rekey: z.nullable(digest),
  /** By leaf; fewer than 1,000 are the last page. */
  members: z.array(memberSchema).check(z.maxLength(MEMBERS_PAGE)),
});

/** `POST /v1/meetings/roster` → 200 `meetingRosterSchema`: the evidence of these devices, of those that are there. */
export const rosterRequestSchema = z.strictObject({
  ...meeting,
  devices: z.array(digest).check(z.minLength(1), z.maxLength(ROSTER_DEVICES)),
});

export const rosterParticipantSchema = z.strictObject({
  device_id: digest,
  ...presenceEvidenceSchema.shape,
});

export const meetingRosterSchema = z.strictObject({
  participants: z.array(rosterParticipantSchema).check(z.maxLength(ROSTER_DEVICES)),
});

/**
 * `POST /v1/meetings/stream` → 200, server-sent events; `id` of each is its seq in the relay log. One with an id alone,
 * which comes after some quiet, says that nothing up to it is for this device.
 */
export const meetingStreamRequestSchema = z.strictObject({
  ...meeting,
  /** The last seq seen; 0 for all that is kept. */
  since: seq,
});

/** Event `rekey`; `admission` as it was uploaded with it. */
export const rekeyEventSchema = z.strictObject({
  token: rekeyToken,
  admission: z.optional(admissionToken),
});

/** Event `placement`: this device's own, of the message with this hash. It may come before the message or after it. */
export const placementEventSchema = z.strictObject({ rekey: digest, box: bytes(PLACEMENT_BYTES) });

/** Event `presence`, to admins: somebody is there and has no place yet. */
export const presenceEventSchema = rosterParticipantSchema;

/** Event `left`, to admins: remove this device from the tree. It proves nothing: whoever says it can only remove. */
export const leftEventSchema = z.strictObject({
  iss: entityId,
  sub: id,
  device_id: digest,
  reason: z.enum(['left', 'revoked', 'gone']),
});

/** Events `group` (look at the group again) and `ended` carry an empty object. */
export const emptyEventSchema = z.strictObject({});

export type MeetingRequest = z.infer<typeof meetingRequestSchema>;
export type MeetingState = z.infer<typeof meetingStateSchema>;
export type Placement = z.infer<typeof placementSchema>;
export type RekeyUpload = z.infer<typeof rekeyUploadSchema>;
export type FirstPresence = z.infer<typeof firstPresenceSchema>;
export type PresenceEvidence = z.infer<typeof presenceEvidenceSchema>;
export type RenewalUpload = z.infer<typeof renewalUploadSchema>;
export type PresenceUpload = z.infer<typeof presenceUploadSchema>;
export type MeetingMembers = z.infer<typeof meetingMembersSchema>;
export type Member = z.infer<typeof memberSchema>;
export type RosterParticipant = z.infer<typeof rosterParticipantSchema>;
export type MeetingRoster = z.infer<typeof meetingRosterSchema>;
export type MeetingStreamRequest = z.infer<typeof meetingStreamRequestSchema>;
export type LeftEvent = z.infer<typeof leftEventSchema>;
