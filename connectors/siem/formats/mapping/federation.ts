import { ecs } from './ecs-types.ts';
import { api, type EventMappings, entity, finding, row } from './event-mapping.ts';

const changed = ecs('configuration', 'change');
const created = ecs('configuration', 'creation');
const deleted = ecs('configuration', 'deletion');
const denied = ecs('api', 'access', 'denied');

const transmitter = (activity: 'Create' | 'Update' | 'Delete') => entity('signal_transmitter', activity);

/** Partners, look-ups, signals from others, and what is refused. */
export const FEDERATION = {
  'look_up.answered': row('Look-up answered', 'informational', api('Read'), ecs('api', 'access')),
  'look_up.foreign': row('Partner asked for keys', 'informational', api('Read'), ecs('api', 'access')),
  'partner.discovered': row(
    'Partner discovered',
    'low',
    entity('Organization', { other: 'Discover' }),
    changed,
  ),
  'partner.approved': row('Partner approved', 'high', entity('Organization', 'Enable'), changed),
  'partner.suspended': row('Partner suspended', 'high', entity('Organization', 'Suspend'), changed),
  'partner.removed': row('Partner removed', 'medium', entity('Organization', 'Delete'), changed),
  'partner.fault': row('Partner did what it must not', 'high', finding, ecs('intrusion_detection', 'info')),
  'signal.transmitter_added': row('Signal transmitter added', 'high', transmitter('Create'), created),
  'signal.transmitter_changed': row('Signal transmitter changed', 'high', transmitter('Update'), changed),
  'signal.transmitter_removed': row('Signal transmitter removed', 'high', transmitter('Delete'), deleted),
  'signal.received': row('Security signal received', 'low', api('Create'), ecs('api', 'creation')),
  'signal.refused': row('Security signal refused', 'medium', api('Create'), ecs('api', 'creation', 'denied')),
  'policy.denied': row('Denied by policy', 'medium', api({ other: 'Decide' }), denied),
  'request.refused': row('Request refused', 'low', api({ other: 'Request' }), denied),
} as const satisfies EventMappings;
