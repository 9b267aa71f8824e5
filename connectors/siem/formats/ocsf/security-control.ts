import type { SinkEvent } from '../../sink-event.ts';
import { memberText } from '../event-members.ts';
import type { EventMapping } from '../mapping/event-mapping.ts';

/** The profile Security Control, where this bridge refused something. */
export function securityControl(event: SinkEvent, { ecs }: EventMapping): object | undefined {
  if (!ecs.type.includes('denied')) return undefined;
  return {
    ...{ action_id: 2, action: 'Denied', disposition_id: 2, disposition: 'Blocked' },
    policy: policyOf(event),
  };
}

function policyOf(event: SinkEvent): object | undefined {
  const name = memberText(event, 'data.policy');
  if (event.type !== 'policy.denied' || name === undefined) return undefined;
  return { name, uid: memberText(event, 'data.hash') };
}
