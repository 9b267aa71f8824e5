import type { EventInput } from '../../bridge/events/event.ts';

/** A look-up of a few addresses, which is what most events are. */
export function someEvent(index: number): EventInput {
  const sub = `per_${(index % 10_000).toString(36).padStart(20, '0')}`;
  return {
    type: 'look_up.answered',
    actor: { kind: 'person', sub, device: `dev-${sub}`, address: '192.0.2.17' },
    subject: {},
    outcome: 'success',
    requestId: `req-${index.toString(36).padStart(26, '0')}`,
    data: {
      asked: 3,
      addresses: [`p${index}@bench.example`, 'q@bench.example', 'r@bench.example'],
      ...{ credential: 2, revoked: 0, revoked_pending: 0, not_found: 1, refused: 0 },
    },
  };
}
