import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { EVENTS, type EventType } from '../../bridge/events/catalog.ts';
import { personalMembers } from '../../bridge/events/personal-members.ts';

/**
 * The members of text that no redaction touches, by name. Each is made here, or was held against a narrow form before it
 * was stored: ids, hashes, hosts, URLs of the configuration, words of a closed list.
 */
const OF_A_FORM: readonly string[] = [
  // thumbprints of keys that the bridge computed
  'service.keys',
  ...['action', 'admins', 'approved_by', 'changed', 'decision', 'domains', 'draft', 'endpoint_host'],
  ...[
    'enrolment_id',
    'event',
    'events',
    'finding',
    'group',
    'half',
    'hash',
    'id',
    'iss',
    'issuer',
    'jwks_uri',
  ],
  ...['key', 'key_id', 'kid', 'kind', 'member', 'method', 'offer_id', 'operation', 'person', 'person_iss'],
  ...[
    'policy',
    'previous',
    'previous_sub',
    'purpose',
    'purposes',
    'queue',
    'receipt',
    'receiver',
    'recipient',
  ],
  ...['recovery', 'replay', 'roles', 'root_thumbprint', 'route', 'sealer', 'sealer_iss', 'sink', 'status'],
  ...['statement_hash', 'stream', 'subtrees', 'test', 'thumbprints', 'version', 'witness', 'checkpoint'],
  // names of sinks: lower-case letters, digits and hyphens
  ...['sink.name'],
  // names of our own for what happened
  ...['group.reason', 'statement.reason'],
  // names of our own for what destroyed an escrow, ids, and thumbprints of recovery keys
  ...['escrow.reason', 'recovery.drill', 'recovery.fingerprint'],
  // key.opened: ids of groups and of a person
  ...['key.path'],
];

/** What another side said that stands as it was, for a reason that the guide gives. */
const AS_IT_WAS_SAID: readonly string[] = [
  // by these words a SIEM sees how somebody signed in
  ...['sign_in.acr', 'sign_in.amr'],
  // the two notes of a log that lied, signed by it: a part would prove nothing
  ...['log.origin', 'log.seen', 'log.offered'],
];

function isText(schema: z.core.$ZodType): boolean {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return isText(schema.unwrap());
  if (schema instanceof z.ZodArray) return isText(schema.element);
  return schema instanceof z.ZodString;
}

/** `<first word of the type>.<member>` and the member, of all that are no personal data. */
function unmarked(): [full: string, member: string][] {
  return Object.entries(EVENTS).flatMap(([type, { data }]) => {
    const marks = personalMembers(data);
    const texts = Object.entries(data.shape).filter(([name, schema]) => isText(schema) && !marks.get(name));
    return texts.map(([name]): [string, string] => [`${type.split('.')[0]}.${name}`, name]);
  });
}

describe('what somebody typed or another side said', () => {
  it('stands in no member that redaction leaves as it is', () => {
    const known = new Set([...OF_A_FORM, ...AS_IT_WAS_SAID]);
    const open = unmarked().filter(([full, member]) => !known.has(full) && !known.has(member));
    expect(open.map(([full]) => full)).toEqual([]);
  });

  it.each<[EventType, string]>([
    ['signal.given_up', 'detail'],
    ['signal.received', 'jti'],
    ['signal.received', 'txn'],
    ['signal.received', 'unknown_event'],
    ['signal.received', 'reason'],
    ['signal.refused', 'claimed_issuer'],
    ['signal.refused', 'jti'],
    ['signal.receiver_registered', 'audience'],
    ['app.registered', 'name'],
    ['service.registered', 'name'],
    ['connection.created', 'name'],
    ['policy.failed', 'reason'],
    ['request.refused', 'path'],
  ])('is personal data in %s as %s', (type, member) => {
    expect(personalMembers(EVENTS[type].data).get(member)).toBe(true);
  });
});
