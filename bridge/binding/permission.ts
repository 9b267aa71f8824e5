import { CountersignError } from '../../protocol/errors.ts';
import type { EventLog } from '../events/event-log.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Policy } from '../policy/built-in-policy.ts';
import type { DecisionRequest, Principal } from '../policy/decision.ts';
import type { Holder } from './holder.ts';

/** The holder of a token as policy knows them. */
export function principalOf(who: Holder): Principal & { kind: 'person' } {
  return { kind: 'person', id: who.sub, assurance: who.assurance, endorsed: who.endorsed };
}

export interface PermissionDeps {
  readonly policy: Policy;
  readonly events: EventLog;
}

/**
 * Decides; what is denied leaves an event. Throws `forbidden`, or `device_limit` where the number of devices alone
 * stands against it. Not to be called inside a transaction.
 */
export async function requirePermission(
  deps: PermissionDeps,
  request: DecisionRequest,
  context: RequestContext,
): Promise<void> {
  const { decide } = deps.policy;
  const decision = decide(request);
  if (decision.effect === 'allow') return;
  await deps.events.record({
    type: 'policy.denied',
    actor: context.actor,
    subject: request.resource.owner === undefined ? {} : { sub: request.resource.owner },
    outcome: 'failure',
    requestId: context.requestId,
    data: { action: request.action, policy: decision.policy, resource: request.resource.id },
  });
  const detail = `${decision.policy}: ${decision.reason}`;
  throw new CountersignError(isLimitAlone(deps.policy, request) ? 'device_limit' : 'forbidden', detail);
}

function isLimitAlone({ decide }: Policy, request: DecisionRequest): boolean {
  if (request.context.devices === undefined) return false;
  return decide({ ...request, context: { ...request.context, devices: 0 } }).effect === 'allow';
}
