import { ecs } from './ecs-types.ts';
import { type EventMappings, entity, fault, row } from './event-mapping.ts';

const changed = ecs('configuration', 'change');
const deleted = ecs('configuration', 'deletion');
const stream = (activity: Parameters<typeof entity>[1]) => entity('signal_stream', activity);

/** Signals that are sent, and who gets them. */
export const SENT_SIGNALS = {
  'signal.receiver_registered': row(
    ...(['Receiver of signals registered', 'high'] as const),
    ...([stream('Create'), ecs('configuration', 'creation')] as const),
  ),
  'signal.receiver_changed': row('Receiver of signals changed', 'high', stream('Update'), changed),
  'signal.receiver_token_expiring': row(
    ...(['Token of a receiver ends soon', 'medium'] as const),
    ...([fault, ecs('configuration', 'info')] as const),
  ),
  'signal.receiver_token_expired': row(
    ...(['Token of a receiver has ended', 'high'] as const),
    ...([fault, ecs('configuration', 'info')] as const),
  ),
  'signal.receiver_token_replaced': row('Token of a receiver replaced', 'medium', stream('Update'), changed),
  'signal.receiver_removed': row('Receiver of signals removed', 'high', stream('Delete'), deleted),
  'signal.stream_created': row(
    ...(['Stream of signals created', 'medium'] as const),
    ...([stream('Create'), ecs('configuration', 'creation')] as const),
  ),
  'signal.stream_changed': row('Stream of signals changed', 'medium', stream('Update'), changed),
  'signal.stream_deleted': row('Stream of signals deleted', 'medium', stream('Delete'), deleted),
  'signal.given_up': row('Signals given up', 'high', fault, ecs('configuration', 'info')),
  'signal.key_rotated': row(
    ...(['Key for signals rotated', 'medium'] as const),
    ...([entity('signing_key', 'Create'), changed] as const),
  ),
} as const satisfies EventMappings;
