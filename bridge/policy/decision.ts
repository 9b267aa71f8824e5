import type { Assurance } from '../../protocol/claims.ts';
import { CountersignError, type ErrorCode } from '../../protocol/errors.ts';

/** Everything that is decided; nothing is allowed beside it. */
export const ACTIONS = [
  'sign-in',
  'enrol',
  'open-vault',
  'request-device',
  'approve-device',
  'refuse-device',
  'remove-device',
  'rotate-keys',
  'recover',
  'look-up',
  'look-up-as-partner',
  'see-attributes',
  'see-self',
  'report-finding',
  'create-group',
  'manage-group',
  'see-group',
  'see-foreign-group',
  'seal-key',
  'seal-foreign-key',
  'open-key',
  'open-foreign-key',
  'join-meeting',
  'join-foreign-meeting',
  'administer',
  'erase-person',
  'read-events',
] as const;

export type Action = (typeof ACTIONS)[number];

/** Who asks. `endorsed`: their device is one of the person's. */
export type Principal =
  | {
      readonly kind: 'person';
      readonly id: string;
      readonly assurance: Assurance;
      readonly endorsed: boolean;
    }
  | { readonly kind: 'partner'; readonly id: string; readonly status: 'active' | 'suspended' }
  | { readonly kind: 'administrator'; readonly id: string }
  | { readonly kind: 'anonymous'; readonly id: 'anonymous' };

/** What it is about. `owner`: the `sub` whose thing it is, where it is somebody's. */
export interface Resource {
  readonly kind: 'bridge' | 'person' | 'device' | 'address' | 'connection' | 'events' | 'group';
  readonly id: string;
  readonly owner?: string;
}

export interface DecisionRequest {
  readonly action: Action;
  readonly principal: Principal;
  readonly resource: Resource;
  readonly context: DecisionContext;
}

/** Facts that rules may ask for; absent means unknown, and a rule that needs it does not permit. */
export interface DecisionContext {
  readonly connectionStatus?: 'draft' | 'tested' | 'active' | 'disabled';
  /** Devices that the person has already. */
  readonly devices?: number;
  /** `amr` or `acr` showed several factors. */
  readonly multiFactor?: boolean;
  /** What the asking person, or somebody for whom a partner asks, is in the group. */
  readonly groupRole?: 'admin' | 'member' | 'none';
}

/** `policy` is the id of the rule that decided; `no-permit` when none allowed it. */
export interface Decision {
  readonly effect: 'allow' | 'deny';
  readonly policy: string;
  readonly reason: string;
}

/** The port that every decision goes through. Pure: the same request has the same answer under the same policy. */
export type Decide = (request: DecisionRequest) => Decision;

/** The private cause of a denial: what the event of the refusal says (bridge/http/app.ts writes it). */
export class PolicyDenial extends Error {
  override readonly name = 'PolicyDenial';
  readonly request: DecisionRequest;
  readonly decision: Decision;

  constructor(request: DecisionRequest, decision: Decision) {
    super(`${decision.policy} denies ${request.action}`);
    this.request = request;
    this.decision = decision;
  }
}

/** The error of a denied request; it names the deciding policy. */
export function deniedBy(
  request: DecisionRequest,
  decision: Decision,
  code: ErrorCode = 'forbidden',
): CountersignError {
  const detail = `${decision.policy}: ${decision.reason}`;
  return new CountersignError(code, detail, { cause: new PolicyDenial(request, decision) });
}

/** Decides, and throws `forbidden` with the deciding policy's id unless it is allowed. */
export function requireAllowed(decide: Decide, request: DecisionRequest): Decision {
  const decision = decide(request);
  if (decision.effect === 'deny') throw deniedBy(request, decision);
  return decision;
}
