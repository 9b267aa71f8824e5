import { ecs } from './ecs-types.ts';
import { type EventMappings, entity, fault, row } from './event-mapping.ts';

const info = ecs('configuration', 'info');
const changed = ecs('configuration', 'change');
const replay = entity('sink', { other: 'Replay' });

/** The places that events are delivered to. */
export const SINKS = {
  'sink.created': row('Sink created', 'medium', entity('sink', 'Create'), ecs('configuration', 'creation')),
  'sink.changed': row('Sink changed', 'medium', entity('sink', 'Update'), changed),
  'sink.paused': row('Sink paused', 'high', entity('sink', 'Suspend'), changed),
  'sink.resumed': row('Sink resumed', 'low', entity('sink', 'Resume'), changed),
  'sink.removed': row('Sink removed', 'high', entity('sink', 'Delete'), ecs('configuration', 'deletion')),
  'sink.tested': row('Sink tested', 'informational', entity('sink', { other: 'Test' }), info),
  'sink.replay_started': row('Replay started', 'low', replay, info),
  'sink.replay_finished': row('Replay finished', 'informational', replay, info),
  'sink.replay_cancelled': row('Replay cancelled', 'low', replay, info),
  'sink.event_skipped': row('Event skipped', 'high', entity('sink', { other: 'Skip' }), changed),
  'sink.dead_letters_resent': row(
    'Dead letters sent again',
    'low',
    entity('sink', { other: 'Resend' }),
    info,
  ),
  'sink.dead_letters_discarded': row(
    ...(['Dead letters discarded', 'high'] as const),
    ...([entity('sink', { other: 'Discard' }), ecs('configuration', 'deletion')] as const),
  ),
  'sink.dead_letters_forgotten': row(
    'Dead letters forgotten',
    'high',
    fault,
    ecs('configuration', 'deletion'),
  ),
  'sink.failing': row('Sink failing', 'high', fault, info),
  'sink.recovered': row('Sink recovered', 'low', entity('sink', { other: 'Recover' }), info),
  'sink.events_refused': row('Receiver refused events', 'high', fault, info),
  'sink.buffer_filling': row('Buffer of a sink filling', 'high', fault, info),
  'sink.caught_up': row('Sink caught up', 'informational', entity('sink', { other: 'Catch Up' }), info),
  'sink.overflowed': row('Buffer of a sink overflowed', 'critical', fault, info),
} as const satisfies EventMappings;
