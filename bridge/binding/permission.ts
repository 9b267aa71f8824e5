import { CountersignError } from '../../protocol/errors.ts';
import type { Clock } from '../lib/clock.ts';
import { DEVICES_PER_PERSON_MAX } from '../lib/limits.ts';
import { type DecisionContext, type DecisionRequest, deniedBy, type Principal } from '../policy/decision.ts';
import type { Policy } from '../policy/policy.ts';
import type { Holder } from './holder.ts';
import { signInFacts } from './sign-in-facts.ts';

/** The holder of a token as policy knows them. */
export function principalOf(who: Holder): Principal & { kind: 'person' } {
  const { sub: id, assurance, endorsed, connectionId: connection } = who;
  return { kind: 'person', id, assurance, endorsed, connection };
}

/** Who asks, and what policy may know of how they came to: the part of a request that is the same whatever they ask for. */
export type AskingParty = Pick<DecisionRequest, 'principal' | 'context'>;

/** Somebody of whom nothing is known. */
export const THE_PUBLIC: AskingParty = { principal: { kind: 'anonymous', id: 'anonymous' }, context: {} };

/** The holder of a token, with how they signed in. */
export function askingPerson(who: Holder, clock: Clock): AskingParty {
  return { principal: principalOf(who), context: { signIn: signInFacts(who, clock) } };
}

/** What is asked for, with the facts of the matter beside those of who asks. */
export interface Asked extends Pick<DecisionRequest, 'action' | 'resource'> {
  readonly facts?: DecisionContext;
}

export function requestBy(
  { principal, context }: AskingParty,
  { action, resource, facts }: Asked,
): DecisionRequest {
  return { action, principal, resource, context: { ...context, ...facts } };
}

export interface PermissionDeps {
  readonly policy: Policy;
  readonly clock: Clock;
}

/** `requirePermission` for what the holder of a token asks. */
export function requirePersonPermission(deps: PermissionDeps, who: Holder, asked: Asked): void {
  requirePermission(deps, requestBy(askingPerson(who, deps.clock), asked));
}

/**
 * Decides. Throws `forbidden`, or `device_limit` where the number of devices alone stands against it; the event of the
 * refused request names the policy.
 */
export function requirePermission(
  { policy }: Pick<PermissionDeps, 'policy'>,
  request: DecisionRequest,
): void {
  const decision = policy.decide(request);
  if (decision.effect === 'deny') {
    throw deniedBy(request, decision, isLimitAlone(policy, request) ? 'device_limit' : 'forbidden');
  }
  assertBoundOfDevices(request);
}

/** Whatever policy says: one request of a rotation names every device of a person, and takes no more. */
function assertBoundOfDevices({ context: { devices = 0 } }: DecisionRequest): void {
  if (devices >= DEVICES_PER_PERSON_MAX) throw new CountersignError('device_limit');
}

function isLimitAlone({ decide }: Policy, request: DecisionRequest): boolean {
  if (request.context.devices === undefined) return false;
  return decide({ ...request, context: { ...request.context, devices: 0 } }).effect === 'allow';
}
