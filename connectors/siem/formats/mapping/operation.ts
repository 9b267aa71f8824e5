import { ecs } from './ecs-types.ts';
import { type EventMappings, entity, fault, finding, lifecycle, row } from './event-mapping.ts';

const info = ecs('configuration', 'info');
const created = ecs('configuration', 'creation');
const changed = ecs('configuration', 'change');
const intrusion = ecs('intrusion_detection', 'info');

/** The bridge itself: its keys, its logs, its start and stop. */
export const OPERATION = {
  'keys.initialized': row('Online keys made', 'high', entity('signing_key', 'Create'), created),
  'keys.rotated': row('Online keys rotated', 'high', entity('signing_key', 'Update'), changed),
  'keys.compromised': row(
    'Online keys declared compromised',
    'critical',
    entity('signing_key', 'Disable'),
    changed,
  ),
  'keys.encryption_key_old': row(
    'Key-encryption key too old',
    'medium',
    entity('encryption_key', { other: 'Expiry' }),
    info,
  ),
  'keys.reencrypted': row(
    'Stored secrets sealed anew',
    'medium',
    entity('encryption_key', 'Update'),
    changed,
  ),
  'log.witness_failed': row('Witness does not cosign', 'medium', fault, info),
  'log.witness_recovered': row('Witness cosigns again', 'informational', entity('witness', 'Resume'), info),
  'log.doubted': row('Key log doubted', 'critical', finding, intrusion),
  'log.head_lost': row('Head file of the key log lost', 'high', finding, intrusion),
  'log.witness_forgot': row('Witness has forgotten what it cosigned', 'critical', finding, intrusion),
  'log.witness_key_replaced': row(
    'Key of the witness replaced',
    'high',
    entity('signing_key', 'Update'),
    changed,
  ),
  'log.split_view_seen': row('Split view of a log seen', 'critical', finding, intrusion),
  'log.checkpointed': row('Event log signed', 'informational', entity('event_log', 'Update'), info),
  'log.recovered': row('Key log recovered from a copy', 'critical', finding, intrusion),
  'log.pruned': row(
    'Old events pruned',
    'low',
    entity('event_log', 'Delete'),
    ecs('configuration', 'deletion'),
  ),
  'clock.stepped': row('Clock of the machine set', 'medium', fault, info),
  'bridge.started': row('Bridge started', 'informational', lifecycle('Start'), ecs('process', 'start')),
  'bridge.stopped': row('Bridge stopped', 'low', lifecycle('Stop'), ecs('process', 'end')),
} as const satisfies EventMappings;
