import * as z from 'zod';
import { CLOCK_EVENTS } from './clock-events.ts';
import { count, emailAddress, foreign, name, personal, phrase, text } from './event-text.ts';
import { GROUP_EVENTS } from './group-events.ts';
import { KEY_EVENTS } from './key-events.ts';
import { LOG_EVENTS } from './log-events.ts';
import { POLICY_EVENTS } from './policy-events.ts';
import { RECEIVED_SIGNAL_EVENTS } from './received-signal-events.ts';
import { RECOVERY_EVENTS } from './recovery-events.ts';
import { SIGNAL_EVENTS } from './signal-events.ts';
import { SINK_EVENTS } from './sink-events.ts';

/** How many addresses of a look-up an event names; the counts tell of all. */
export const LOOK_UP_ADDRESSES_NAMED = 40;

const none = z.strictObject({});

const lookUpResults = {
  /** How many addresses were asked for. */
  asked: count,
  /** The first of them. */
  addresses: z.array(emailAddress).max(LOOK_UP_ADDRESSES_NAMED),
  credential: count,
  revoked: count,
  revoked_pending: count,
  not_found: count,
  refused: count,
};

const statement = {
  /** Of the address. */
  version: count,
  /** Of the person. */
  key_version: count,
  /** Hash of the key statement. */
  statement_hash: name,
  reason: name.optional(),
};

const device = { label: phrase.optional() };

/** Of an administrator’s token. */
const roles = z.array(name).max(16).optional();

/** Id of the signed receipt that answered it. */
const receipt = name.optional();

interface EventKind {
  /** What happened, in one sentence: stands in the documentation. */
  readonly doc: string;
  readonly data: z.ZodObject;
}

/**
 * Every event that there is, with its own data. Who did it and whom it concerns stand beside (`actor`, `subject`).
 *
 * `data` never holds a secret (no token, key, share, vault, assertion) and stays small. Evolution: a type is never
 * renamed and a member never changes its meaning; new members are optional.
 */
export const EVENTS = {
  ...GROUP_EVENTS,
  ...LOG_EVENTS,
  ...POLICY_EVENTS,
  ...SINK_EVENTS,
  ...CLOCK_EVENTS,
  ...RECEIVED_SIGNAL_EVENTS,
  ...SIGNAL_EVENTS,
  'sign_in.succeeded': {
    doc: 'A person signed in through a connection.',
    data: z.strictObject({
      protocol: z.enum(['oidc', 'saml']),
      acr: name.nullable(),
      amr: z.array(name).max(16),
      /** When the person authenticated at the IdP, seconds. */
      auth_time: count.nullable(),
      /** Asserted, but not on a verified domain of the connection, or not in the plain form: not counted. */
      dropped_addresses: z.array(emailAddress).max(20).optional(),
    }),
  },
  'sign_in.refused': {
    doc: 'A sign-in was refused, by the IdP or by a check of ours; `code` names the check.',
    data: z.strictObject({ protocol: z.enum(['oidc', 'saml']).nullable(), reason: phrase.optional() }),
  },
  'person.created': { doc: 'Somebody signed in for the first time and became a person.', data: none },
  'address.assigned': {
    doc: 'A person got an address.',
    data: z.strictObject({
      /** Who had it before. */
      previous_sub: name.optional(),
    }),
  },
  'enrolment.offered': {
    doc: 'The bridge offered its share: step 1 of an enrolment.',
    data: z.strictObject({ enrolment_id: name }),
  },
  'enrolment.confirmed': {
    doc: 'The client proved its half and signed the statement: step 2.',
    data: z.strictObject({ enrolment_id: name, version: count, key_version: count }),
  },
  'enrolment.expired': {
    doc: 'An enrolment was not confirmed in time.',
    data: z.strictObject({ enrolment_id: name }),
  },
  'statement.published': { doc: 'A key statement took effect.', data: z.strictObject(statement) },
  'statement.revoked': { doc: 'A key statement was revoked.', data: z.strictObject(statement) },
  'key.unrecognized': {
    doc: 'A person’s own client found something wrong with their keys, or with what the log says of them: `finding` names it. Somebody may have added a key for them.',
    data: z.strictObject({
      finding: name,
      /** Of the address. */
      version: count.optional(),
      statement_hash: name.optional(),
    }),
  },
  'person.closed': {
    doc: 'A person was closed: transform keys and tokens are deleted.',
    data: z.strictObject({ reason: phrase.optional(), receipt }),
  },
  'person.reopened': {
    doc: 'A closed person may sign in again and enrol anew; nothing that closing took away comes back.',
    data: z.strictObject({ reason: phrase.optional() }),
  },
  'person.erased': {
    doc: 'A closed person was erased. Events stay as they are until they are pruned; those to come name nobody but the id.',
    data: z.strictObject({
      /** Versions of key statements whose content is forgotten. */
      versions: count,
      reason: phrase.optional(),
    }),
  },
  'person.reset': {
    doc: 'A person was reset: the keys are void, the next enrolment begins anew.',
    data: z.strictObject({ key_version: count.optional(), reason: phrase.optional(), receipt }),
  },
  'device.requested': { doc: 'A new device asks to be added.', data: z.strictObject(device) },
  'device.added': {
    doc: 'A device was added.',
    data: z.strictObject({
      ...device,
      method: z.enum(['enrolment', 'approval', 'passphrase', 'organization', 'reset']),
      approved_by: name.optional(),
    }),
  },
  'device.refused': {
    doc: 'A new device was not added.',
    data: z.strictObject({ ...device, reason: phrase.optional() }),
  },
  'device.removed': {
    doc: 'A device was removed: its transform key and tokens are deleted.',
    data: z.strictObject({ ...device, reason: phrase.optional(), receipt }),
  },
  'device.rotated': {
    doc: 'A device replaced its encryption key: the transform key to the old one is deleted.',
    data: z.strictObject(device),
  },
  'person.rotated': {
    doc: 'A person’s keys were rotated behind the same public key; who has the old private halves can do nothing with them here.',
    data: z.strictObject({
      /** Of the address. */
      version: count,
      key_version: count,
      /** Devices that were endorsed anew. */
      devices: count,
    }),
  },
  ...KEY_EVENTS,
  'vault.opened': {
    doc: 'A device fetched the vault through its transform.',
    data: z.strictObject({ purpose: name.optional() }),
  },
  'escrow.opened': {
    doc: 'What a person escrowed was handed to a device that signed in as them: it can be opened with their passphrase.',
    data: none,
  },
  ...RECOVERY_EVENTS,
  'look_up.answered': {
    doc: 'Somebody asked for keys and was answered.',
    data: z.strictObject(lookUpResults),
  },
  'look_up.foreign': { doc: 'Our bridge asked a partner.', data: z.strictObject(lookUpResults) },
  'partner.discovered': {
    doc: 'A bridge was found by its domain.',
    data: z.strictObject({ root_thumbprint: name, domains: z.array(text(253)).max(50) }),
  },
  'partner.approved': {
    doc: 'An administrator approved a partner and pinned its root.',
    data: z.strictObject({
      root_thumbprint: name,
      domains: z.array(text(253)).max(50),
      version: count.optional(),
    }),
  },
  'partner.suspended': {
    doc: 'A partner is not believed any more until it is approved again.',
    data: z.strictObject({ reason: phrase.optional() }),
  },
  'partner.removed': { doc: 'A partner was removed.', data: z.strictObject({ reason: phrase.optional() }) },
  'partner.fault': {
    doc: 'A partner did what it must not: a wrong signature, a foreign domain, a replay, an expired object; `code` names it.',
    data: z.strictObject({ operation: name.optional(), detail: phrase.optional() }),
  },
  'connection.created': {
    doc: 'A connection to an IdP was configured.',
    data: z.strictObject({ name: foreign, protocol: z.enum(['oidc', 'saml']) }),
  },
  'connection.changed': {
    doc: 'A connection was changed.',
    data: z.strictObject({ changed: z.array(name).max(32) }),
  },
  'connection.tested': {
    doc: 'An administrator tested a connection.',
    data: z.strictObject({ issuer: name.optional() }),
  },
  'connection.activated': { doc: 'People can sign in through a connection.', data: none },
  'connection.disabled': {
    doc: 'Nobody can sign in through a connection any more.',
    data: z.strictObject({ reason: phrase.optional() }),
  },
  'domain.added': { doc: 'A domain was named and waits for its DNS record.', data: none },
  'domain.verified': { doc: 'The DNS record of a domain was found.', data: none },
  'domain.lost': {
    doc: 'The DNS record of a verified domain is gone.',
    data: z.strictObject({ reason: phrase.optional() }),
  },
  'domain.removed': { doc: 'A domain was removed.', data: none },
  'device_code.approved': {
    doc: 'Somebody signed a room in and gave the system that shows the code its tokens.',
    data: none,
  },
  'device_code.refused': {
    doc: 'Somebody signed a room in and refused the system that shows the code, or it is no room; `code` says so.',
    data: none,
  },
  'app.registered': { doc: 'A client app was registered.', data: z.strictObject({ name: foreign }) },
  'app.removed': { doc: 'A client app was removed.', data: none },
  'service.registered': {
    doc: 'A gateway, recorder or bot was registered with keys of its own.',
    data: z.strictObject({ name: foreign, assurance: z.enum(['gateway', 'recorder', 'bot']) }),
  },
  'service.keys_replaced': {
    doc: 'A service has other keys from now on; its tokens ended.',
    data: z.strictObject({ keys: text(255) }),
  },
  'token.revoked': {
    doc: 'Tokens of a person, device or app were revoked.',
    data: z.strictObject({ count: count.optional(), reason: phrase.optional() }),
  },
  'admin.bootstrapped': {
    doc: 'A one-time link made an administrator’s token.',
    data: z.strictObject({ id: name, name: phrase.optional(), roles }),
  },
  'admin.token_created': {
    doc: 'An administrator’s token was made.',
    data: z.strictObject({
      id: name,
      name: phrase.optional(),
      /** Seconds. */
      expires: count.optional(),
      roles,
    }),
  },
  'admin.token_revoked': {
    doc: 'An administrator’s token was revoked.',
    data: z.strictObject({ id: name, name: phrase.optional(), roles }),
  },
  'keys.initialized': {
    doc: 'The bridge got its first online keys.',
    data: z.strictObject({ serial: count, root_thumbprint: name }),
  },
  'keys.rotated': {
    doc: 'New online keys were published.',
    data: z.strictObject({ serial: count, purposes: z.array(name).max(16) }),
  },
  'keys.compromised': {
    doc: 'Online keys were declared compromised: nothing that they signed counts.',
    data: z.strictObject({ serial: count, thumbprints: z.array(name).max(64) }),
  },
  'log.witness_failed': {
    doc: 'A witness does not cosign the key log; `code` says why.',
    data: z.strictObject({ witness: name }),
  },
  'log.witness_recovered': {
    doc: 'A witness cosigns the key log again.',
    data: z.strictObject({ witness: name }),
  },
  'log.doubted': {
    doc: 'A witness has seen more of the key log than the store has, or another history: the sign of a restored backup or of a second bridge. Nothing is logged any more.',
    data: z.strictObject({
      witness: name,
      seen: z.enum(['ahead', 'contradicted']),
      /** Entries, up to where it has cosigned. */
      size: count.nullable(),
    }),
  },
  'log.head_lost': {
    doc: 'The bridge started on a store with entries of the key log, without the head file that tells the newest store from a restored backup, and without witnesses: a backup may have been put back, in which revocations are undone.',
    data: z.strictObject({
      /** Entries of the store. */
      size: count,
    }),
  },
  'log.split_view_seen': {
    doc: 'As a witness of another log, this bridge was shown two histories that the log signed: both checkpoints, proof of it.',
    data: z.strictObject({ origin: name, size: count, seen: text(4096), offered: text(4096) }),
  },
  'policy.denied': {
    doc: 'A decision went against whoever asked.',
    data: z.strictObject({
      action: name,
      policy: name,
      /** Its id; of an address, the address. */
      resource: personal(name).optional(),
      /** Of the policy document. */
      hash: name.optional(),
      /** Id of the decision: `countersign policy explain` says how it came to be. */
      decision: name.optional(),
    }),
  },
  'request.refused': {
    doc: 'A request was refused; `code` says why.',
    data: z.strictObject({
      method: text(16),
      /** The route's pattern; `*` where there is none. */
      route: name,
      /** Where there is none: what was asked for. */
      path: phrase.optional(),
      status: z.int().min(400).max(599),
    }),
  },
  'bridge.started': { doc: 'The bridge started.', data: z.strictObject({ version: name }) },
  'bridge.stopped': { doc: 'The bridge stopped in good order.', data: none },
} as const satisfies Record<string, EventKind>;

export type EventType = keyof typeof EVENTS;

/** The data of one type. */
export type EventData<Type extends EventType> = z.infer<(typeof EVENTS)[Type]['data']>;

/** Whether `type` is in the catalogue. */
export function isEventType(type: string): type is EventType {
  return Object.hasOwn(EVENTS, type);
}
