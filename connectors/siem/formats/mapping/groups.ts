import { ecs } from './ecs-types.ts';
import { type EventMappings, entity, group, row } from './event-mapping.ts';

const info = ecs('iam', 'group', 'info');
const changed = ecs('iam', 'group', 'change');
const read = ecs('api', 'access');

/** Groups, meetings, and what is sealed to them. */
export const GROUPS = {
  'key.sealed': row('Key sealed', 'informational', entity('sealed_key', 'Create'), ecs('api', 'creation')),
  'key.opened': row('Sealed key transformed', 'informational', entity('sealed_key', 'Read'), read),
  'key.opening_refused': row(
    ...(['Transform of a sealed key refused', 'medium'] as const),
    ...([entity('sealed_key', 'Read'), ecs('api', 'access', 'denied')] as const),
  ),
  'group.offered': row('Group offered', 'informational', entity('group_offer', 'Create'), info),
  'group.offer_expired': row('Group offer expired', 'informational', entity('group_offer', 'Delete'), info),
  'group.created': row('Group created', 'low', group('Create'), ecs('iam', 'group', 'creation')),
  'group.renewed': row('Group key signed anew', 'low', group({ other: 'Renew' }), changed),
  'group.rotated': row('Group keys rotated', 'low', group({ other: 'Rotate' }), changed),
  'group.member_added': row('Member added to a group', 'low', group('Add User'), changed),
  'group.member_removed': row('Member removed from a group', 'low', group('Remove User'), changed),
  'group.person_excluded': row('Person excluded from a group', 'low', group({ other: 'Exclude' }), changed),
  'group.person_readmitted': row('Person readmitted to a group', 'low', group({ other: 'Readmit' }), changed),
  'group.admin_lost': row('Group lost an admin', 'medium', group({ other: 'Lose Admin' }), changed),
  'group.vault_opened': row('Group vault opened', 'informational', entity('vault', 'Read'), info),
  'group.seen': row('Group shown', 'informational', entity('Group', 'Read'), info),
  'group.ended': row('Group ended', 'low', group('Delete'), ecs('iam', 'group', 'deletion')),
  'meeting.rekeyed': row('Meeting rekeyed', 'informational', group({ other: 'Rekey' }), changed),
  'meeting.taken_over': row('Meeting taken over', 'medium', group({ other: 'Take Over' }), changed),
  'meeting.joined': row(
    'Meeting joined',
    'informational',
    entity('presence', 'Activate'),
    ecs('session', 'start'),
  ),
  'meeting.left': row(
    'Meeting left',
    'informational',
    entity('presence', 'Deactivate'),
    ecs('session', 'end'),
  ),
} as const satisfies EventMappings;
