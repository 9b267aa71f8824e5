import { ecs } from './ecs-types.ts';
import { type EventMappings, entity, row } from './event-mapping.ts';

const info = ecs('iam', 'info');
const changed = ecs('iam', 'user', 'change');

export const DEVICES = {
  'device.requested': row('Device asks to be added', 'low', entity('Device', { other: 'Request' }), info),
  'device.added': row('Device added', 'medium', entity('Device', 'Enroll'), ecs('iam', 'user', 'creation')),
  'device.refused': row('Device refused', 'medium', entity('Device', { other: 'Refuse' }), info),
  'device.removed': row(
    'Device removed',
    'medium',
    entity('Device', 'Unenroll'),
    ecs('iam', 'user', 'deletion'),
  ),
  'device.rotated': row('Device key replaced', 'low', entity('Device', 'Update'), changed),
} as const satisfies EventMappings;
