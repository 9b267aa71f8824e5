import type { EventInputOf } from '../events/event.ts';

/** The event of signals that will not reach whom they were for. */
export function givenUp(
  queue: string,
  data: { readonly signals: number; readonly detail: string },
): EventInputOf<'signal.given_up'> {
  return {
    type: 'signal.given_up',
    actor: { kind: 'system' },
    subject: queue.startsWith('https://') ? { partner: queue } : {},
    outcome: 'failure',
    data: { queue, ...data },
  };
}
