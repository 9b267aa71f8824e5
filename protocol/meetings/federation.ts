import * as z from 'zod/mini';
import { requestMembers, responseMembers } from '../bridge-request.ts';
import { compactJws, digest, id } from '../claims.ts';
import { VIA_GROUPS } from '../groups/api.ts';
import {
  emptyEventSchema,
  firstPresenceSchema,
  leftEventSchema,
  meetingMembersSchema,
  meetingRosterSchema,
  meetingStateSchema,
  membersRequestSchema,
  placementEventSchema,
  rekeyEventSchema,
  relayedSchema,
  rosterRequestSchema,
} from './api.ts';

/** People of one question about who may take part; the same as members on a page of a look-up's size would be slow. */
export const ADMITTED_PEOPLE = 200;

/** Messages of one answer. */
export const RELAYED_MESSAGES = 1_000;

const seq = z.int().check(z.nonnegative());

/** A person of the asking bridge, and the durable groups kept there in which that bridge says that they are. */
const person = {
  sub: id,
  via: z.array(digest).check(z.maxLength(VIA_GROUPS)),
};

const about = { ...requestMembers, group: digest };

/**
 * `meeting-request+jwt`: what a bridge asks a meeting's home for one of its people (`sub`), in the envelope of
 * bridge-request.ts. Of every `act` the home reads for itself whether that person may take part.
 */
export const meetingBridgeRequestSchema = z.discriminatedUnion('act', [
  z.strictObject({ ...about, ...person, act: z.literal('state') }),
  z.strictObject({
    ...about,
    ...person,
    act: z.literal('members'),
    after: membersRequestSchema.shape.after,
  }),
  z.strictObject({
    ...about,
    ...person,
    act: z.literal('roster'),
    devices: rosterRequestSchema.shape.devices,
  }),
  z.strictObject({
    ...about,
    ...person,
    act: z.literal('present'),
    device_id: digest,
    evidence: firstPresenceSchema,
  }),
  /** What a renewal names is there already; the rest goes in the place of what stands with it. */
  z.strictObject({
    ...about,
    ...person,
    act: z.literal('renew'),
    device_id: digest,
    evidence: z.strictObject({
      renewal: compactJws,
      ...z.omit(firstPresenceSchema, { proof: true }).shape,
    }),
  }),
  /** Needs nobody's leave: a bridge says of its own device that it is there no more. */
  z.strictObject({
    ...about,
    act: z.literal('leave'),
    device_id: digest,
    reason: z.enum(['left', 'revoked']),
  }),
  /** Who of these may take part. */
  z.strictObject({
    ...about,
    act: z.literal('admit'),
    people: z.array(z.strictObject(person)).check(z.minLength(1), z.maxLength(ADMITTED_PEOPLE)),
  }),
  /** The messages behind `after` for all of the asker's people; `sub` is one who listens. `wait`: until there is one. */
  z.strictObject({ ...about, ...person, act: z.literal('poll'), after: seq, wait: z.boolean() }),
]);

export type MeetingBridgeRequest = z.infer<typeof meetingBridgeRequestSchema>;

/** A message for the asker's people. `device_id` is whose placement it is. */
export const relayedMessageSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('rekey'), seq, body: rekeyEventSchema }),
  z.strictObject({ kind: z.literal('placement'), seq, device_id: digest, body: placementEventSchema }),
  /** A device of the asker's that had to leave: its streams are to end. */
  z.strictObject({ kind: z.literal('left'), seq, body: leftEventSchema }),
  /** `restricts`: something may have been taken from somebody, so whoever listens is to be looked at again. */
  z.strictObject({ kind: z.literal('group'), seq, body: z.strictObject({ restricts: z.boolean() }) }),
  z.strictObject({ kind: z.literal('ended'), seq, body: emptyEventSchema }),
]);

export type RelayedMessage = z.infer<typeof relayedMessageSchema>;

/** `meeting-response+jwt`, one form for each `act`. */
export const meetingBridgeResponses = {
  state: z.strictObject({ ...responseMembers, state: meetingStateSchema }),
  members: z.strictObject({ ...responseMembers, members: meetingMembersSchema }),
  roster: z.strictObject({ ...responseMembers, roster: meetingRosterSchema }),
  present: z.strictObject({ ...responseMembers, ...relayedSchema.shape }),
  renew: z.strictObject(responseMembers),
  leave: z.strictObject(responseMembers),
  /** `seq`: the newest message; those up to `pruned` are not kept any more. */
  admit: z.strictObject({
    ...responseMembers,
    admitted: z.array(id).check(z.maxLength(ADMITTED_PEOPLE)),
    seq,
    pruned: seq,
  }),
  /** `through`: everything for the asker up to there is in `messages`. */
  poll: z.strictObject({
    ...responseMembers,
    messages: z.array(relayedMessageSchema).check(z.maxLength(RELAYED_MESSAGES)),
    through: seq,
  }),
} as const;
