import { type DecisionRequest, deniedBy, type Principal } from '../policy/decision.ts';
import type { Policy } from '../policy/policy.ts';
import type { Holder } from './holder.ts';

/** The holder of a token as policy knows them. */
export function principalOf(who: Holder): Principal & { kind: 'person' } {
  return { kind: 'person', id: who.sub, assurance: who.assurance, endorsed: who.endorsed };
}

export interface PermissionDeps {
  readonly policy: Policy;
}

/**
 * Decides. Throws `forbidden`, or `device_limit` where the number of devices alone stands against it; the event of the
 * refused request names the policy.
 */
export function requirePermission({ policy }: PermissionDeps, request: DecisionRequest): void {
  const decision = policy.decide(request);
  if (decision.effect === 'allow') return;
  throw deniedBy(request, decision, isLimitAlone(policy, request) ? 'device_limit' : 'forbidden');
}

function isLimitAlone({ decide }: Policy, request: DecisionRequest): boolean {
  if (request.context.devices === undefined) return false;
  return decide({ ...request, context: { ...request.context, devices: 0 } }).effect === 'allow';
}
