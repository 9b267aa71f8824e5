import { ecs } from './ecs-types.ts';
import { type EventMappings, entity, fault, row } from './event-mapping.ts';

const seen = ecs('configuration', 'access');
const created = ecs('configuration', 'creation');
const changed = ecs('configuration', 'change');
const deleted = ecs('configuration', 'deletion');

/** What administrators set up: policy, connections, domains, apps, tokens. */
export const ADMINISTRATION = {
  'policy.drafted': row('Policy drafted', 'low', entity('Policy', 'Create'), created),
  'policy.approved': row('Policy draft approved', 'medium', entity('Policy', { other: 'Approve' }), changed),
  'policy.discarded': row('Policy draft discarded', 'low', entity('Policy', 'Delete'), deleted),
  'policy.activated': row('Policy activated', 'high', entity('Policy', 'Activate'), changed),
  'policy.failed': row('Policy could not be asked', 'high', fault, ecs('configuration', 'info')),
  'connection.created': row('Connection created', 'medium', entity('connection', 'Create'), created),
  'connection.changed': row('Connection changed', 'high', entity('connection', 'Update'), changed),
  'connection.tested': row('Connection tested', 'informational', entity('connection', 'Read'), seen),
  'connection.activated': row('Connection activated', 'high', entity('connection', 'Enable'), changed),
  'connection.disabled': row('Connection disabled', 'medium', entity('connection', 'Disable'), changed),
  'domain.added': row('Domain added', 'low', entity('domain', 'Create'), created),
  'domain.verified': row('Domain verified', 'medium', entity('domain', 'Enable'), changed),
  'domain.lost': row('Domain lost', 'high', entity('domain', 'Disable'), changed),
  'domain.removed': row('Domain removed', 'medium', entity('domain', 'Delete'), deleted),
  'app.registered': row('Client app registered', 'medium', entity('client_app', 'Create'), created),
  'app.removed': row('Client app removed', 'medium', entity('client_app', 'Delete'), deleted),
  'service.registered': row('Service registered', 'medium', entity('service', 'Create'), created),
  'service.keys_replaced': row('Service keys replaced', 'medium', entity('service', 'Update'), changed),
  'admin.bootstrapped': row(
    ...(['Administrator bootstrapped', 'high'] as const),
    ...([entity('administrator_token', 'Create'), ecs('iam', 'admin', 'creation')] as const),
  ),
  'admin.token_created': row(
    ...(['Administrator token created', 'high'] as const),
    ...([entity('administrator_token', 'Create'), ecs('iam', 'admin', 'creation')] as const),
  ),
  'admin.token_revoked': row(
    ...(['Administrator token revoked', 'medium'] as const),
    ...([entity('administrator_token', 'Delete'), ecs('iam', 'admin', 'deletion')] as const),
  ),
} as const satisfies EventMappings;
