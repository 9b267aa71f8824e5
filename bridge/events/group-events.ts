import * as z from 'zod';
import { count, name, phrase } from './event-text.ts';

const none = z.strictObject({});

const member = {
  kind: z.enum(['person', 'group']),
  /** The bridge of the person, or the home of the group. */
  iss: name,
  /** `sub` of the person, or id of the group. */
  member: name,
};

/** The bridge that keeps the recipient; the group, or the person; and the key. */
const sealedKey = { iss: name, group: name.optional(), recipient: name.optional(), key_id: name };

/** Id of the signed receipt that answered it. */
const receipt = name.optional();

/** What happens to groups, to what is sealed to them, and in meetings. */
export const GROUP_EVENTS = {
  'key.sealed': {
    doc: 'A key was sealed to a group or a person, by somebody of ours or of a partner.',
    data: z.strictObject({ ...sealedKey, sealer_iss: name, sealer: name, epoch: count.optional() }),
  },
  'key.opened': {
    doc: 'A sealed key was transformed for a device of ours, or for a person of a partner as far as this bridge’s part of the way goes.',
    data: z.strictObject({
      ...sealedKey,
      /** Who it is for. */
      person: name,
      person_iss: name,
      /** Whose transform keys were used here: the groups on the way, then the person’s where it was for a device. */
      path: z.array(name).max(4),
    }),
  },
  'key.opening_refused': {
    doc: 'A sealed key was not transformed, or not released; `code` says why.',
    data: z.strictObject({ ...sealedKey, person: name, person_iss: name }),
  },
  'group.offered': {
    doc: 'The bridge offered its share of a new group’s key: step 1.',
    data: z.strictObject({ offer_id: name, kind: z.enum(['meeting', 'durable']) }),
  },
  'group.offer_expired': {
    doc: 'A new group was not confirmed in time.',
    data: z.strictObject({ offer_id: name }),
  },
  'group.created': {
    doc: 'A group was made; its admin’s device vouches for its key.',
    data: z.strictObject({
      kind: z.enum(['meeting', 'durable']),
      label: phrase,
      admins: z.array(name).max(16),
    }),
  },
  'group.renewed': {
    doc: 'An admin signed the group’s key anew: for other admins, under another label, or to another end.',
    data: z.strictObject({ seq: count, label: phrase, admins: z.array(name).max(16) }),
  },
  'group.rotated': {
    doc: 'The private halves of a group’s key were replaced; the public key stays.',
    data: z.strictObject({ seq: count, key_version: count, admins: z.array(name).max(16) }),
  },
  'group.member_added': {
    doc: 'An admin put somebody, or a durable group, into a group.',
    data: z.strictObject({ ...member, seq: count }),
  },
  'group.member_removed': {
    doc: 'Somebody, or a durable group, is no member of a group any more: the transform key is deleted.',
    data: z.strictObject({ ...member, seq: count.optional(), reason: phrase.optional(), receipt }),
  },
  'group.person_excluded': {
    doc: 'An admin excluded a person from a group, however they came in.',
    data: z.strictObject({ iss: name, member: name }),
  },
  'group.person_readmitted': {
    doc: 'An admin took an exclusion back.',
    data: z.strictObject({ iss: name, member: name }),
  },
  'group.admin_lost': {
    doc: 'An admin of a group was closed, or reset and so cannot open its private halves any more; `admins_left` still can.',
    data: z.strictObject({ reason: name, admins_left: count.optional() }),
  },
  'group.vault_opened': {
    doc: 'An admin’s device fetched the private halves of a group through its transform.',
    data: none,
  },
  'group.seen': {
    doc: 'Somebody, or a partner for its people, was shown a group: its keys, admins and exclusions.',
    data: none,
  },
  'group.ended': {
    doc: 'A group has ended: its share and its transform keys are deleted.',
    data: z.strictObject({ reason: phrase.optional(), transform_keys: count }),
  },
  'meeting.rekeyed': {
    doc: 'The host’s device began a new epoch of a meeting: others can read on only with its new key.',
    data: z.strictObject({ term: count, epoch: count, joined: count, left: count }),
  },
  'meeting.taken_over': {
    doc: 'A device of an admin became the host of a meeting; from here on nothing of the one before counts.',
    data: z.strictObject({ term: count, epoch: count, previous: name.optional() }),
  },
  'meeting.joined': {
    doc: 'A device proved its presence in a meeting.',
    data: z.strictObject({ epoch: count }),
  },
  'meeting.left': {
    doc: 'A device is not in a meeting any more: by itself, or because it may not be.',
    data: z.strictObject({ reason: z.enum(['left', 'revoked', 'gone']) }),
  },
} as const;
