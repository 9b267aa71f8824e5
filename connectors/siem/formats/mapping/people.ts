import { ecs } from './ecs-types.ts';
import { account, authentication, type EventMappings, entity, finding, row } from './event-mapping.ts';

const iam = ecs('iam', 'info');
const changed = ecs('iam', 'user', 'change');
const created = ecs('iam', 'user', 'creation');
const deleted = ecs('iam', 'user', 'deletion');
const adminChange = ecs('iam', 'admin', 'change');
const signIn = ecs('authentication', 'start');

/** Signing in, people and their keys, and what they escrow. */
export const PEOPLE = {
  'sign_in.succeeded': row('Sign-in succeeded', 'informational', authentication('Logon'), signIn),
  'sign_in.refused': row('Sign-in refused', 'medium', authentication('Logon'), signIn),
  'device_code.approved': row('Room signed in', 'low', authentication('Logon'), signIn),
  'device_code.refused': row('Room sign-in refused', 'low', authentication('Logon'), signIn),
  'token.revoked': row('Tokens revoked', 'low', authentication('Logoff'), ecs('session', 'end')),
  'person.created': row('Person created', 'informational', account('Create'), created),
  'person.closed': row('Person closed', 'medium', account('Disable'), deleted),
  'person.reopened': row('Person reopened', 'medium', account('Enable'), changed),
  'person.erased': row('Person erased', 'medium', account('Delete'), deleted),
  'person.reset': row('Keys of a person reset', 'high', account({ other: 'Key Reset' }), changed),
  'person.rotated': row('Keys of a person rotated', 'low', entity('key_binding', 'Update'), changed),
  'address.assigned': row('Address assigned', 'low', account({ other: 'Address Assignment' }), changed),
  'enrolment.offered': row('Enrolment begun', 'informational', entity('enrolment', 'Create'), iam),
  'enrolment.confirmed': row('Enrolment confirmed', 'informational', entity('enrolment', 'Enroll'), created),
  'enrolment.expired': row('Enrolment expired', 'informational', entity('enrolment', 'Delete'), iam),
  'statement.published': row('Key binding published', 'low', entity('key_binding', 'Create'), created),
  'statement.revoked': row('Key binding revoked', 'medium', entity('key_binding', 'Delete'), deleted),
  'key.unrecognized': row(
    'Unrecognized key reported',
    'critical',
    finding,
    ecs('intrusion_detection', 'info'),
  ),
  'vault.opened': row('Vault opened', 'informational', entity('vault', 'Read'), iam),
  'escrow.opened': row('Escrowed keys handed out', 'medium', entity('escrow', 'Read'), iam),
  'escrow.kept': row('Escrow of a closed person kept', 'medium', entity('escrow', { other: 'Keep' }), iam),
  'escrow.destroyed': row('Kept escrow destroyed', 'low', entity('escrow', 'Delete'), iam),
  'escrow.reading_requested': row('Reading requested', 'high', entity('recovery', 'Create'), iam),
  'escrow.read': row('Keys of a closed person handed out', 'high', entity('recovery', 'Read'), iam),
  'escrow.key_read': row(
    'Key sealed to a closed person handed out',
    'high',
    entity('sealed_key', 'Read'),
    iam,
  ),
  'recovery.key_registered': row(
    'Recovery key registered',
    'high',
    entity('recovery', 'Create'),
    ecs('iam', 'admin', 'creation'),
  ),
  'recovery.replacement_begun': row(
    'Replacement of the recovery key begun',
    'medium',
    entity('recovery', 'Update'),
    adminChange,
  ),
  'recovery.replacement_approved': row(
    'Replacement of the recovery key approved',
    'high',
    entity('recovery', 'Update'),
    adminChange,
  ),
  'recovery.replacement_approval_withdrawn': row(
    'Approval of the next recovery key withdrawn',
    'medium',
    entity('recovery', 'Update'),
    adminChange,
  ),
  'recovery.replacement_abandoned': row(
    'Replacement of the recovery key given up',
    'medium',
    entity('recovery', 'Update'),
    adminChange,
  ),
  'recovery.key_replaced': row('Recovery key replaced', 'high', entity('recovery', 'Update'), adminChange),
  'recovery.drill_begun': row('Recovery drill begun', 'informational', entity('recovery', 'Create'), iam),
  'recovery.half_proven': row('Recovery half proven', 'informational', entity('recovery', 'Update'), iam),
  'recovery.drill_passed': row('Recovery drill passed', 'informational', entity('recovery', 'Update'), iam),
  'recovery.requested': row('Recovery requested', 'medium', entity('recovery', 'Create'), iam),
  'recovery.approved': row('Recovery approved', 'high', entity('recovery', 'Update'), adminChange),
  'recovery.approval_withdrawn': row(
    'Recovery approval withdrawn',
    'medium',
    entity('recovery', 'Update'),
    adminChange,
  ),
  'recovery.released': row('Recovery released', 'high', entity('recovery', 'Activate'), changed),
  'recovery.refused': row('Recovery refused', 'medium', entity('recovery', 'Delete'), adminChange),
  'recovery.expired': row('Recovery expired', 'low', entity('recovery', 'Delete'), iam),
} as const satisfies EventMappings;
