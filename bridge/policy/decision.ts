import type { Assurance } from '../../protocol/claims.ts';
import { CountersignError, type ErrorCode } from '../../protocol/errors.ts';

/** What administrators do over the API, each by its kind, so that policy can give roles to them. */
export const ADMINISTRATOR_ACTIONS = [
  'read-administration',
  'read-events',
  'read-persons',
  'manage-access',
  'manage-apps',
  'manage-connections',
  'manage-domains',
  'manage-partners',
  'manage-persons',
  'erase-person',
  'manage-recovery',
  'manage-services',
  'read-sinks',
  'manage-sinks',
  'read-signals',
  'manage-signals',
  'read-policy',
  'draft-policy',
  'approve-policy',
  'activate-policy',
  'explain-decision',
] as const;

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
  'look-up-as-public',
  'find',
  'see-name',
  'see-sign-in',
  'see-self',
  'report-finding',
  'create-group',
  'manage-group',
  'add-member',
  'see-group',
  'see-foreign-group',
  'seal-key',
  'seal-foreign-key',
  'open-key',
  'open-foreign-key',
  'join-meeting',
  'join-foreign-meeting',
  'resolve-recipients',
  'receive',
  ...ADMINISTRATOR_ACTIONS,
] as const;

export type Action = (typeof ACTIONS)[number];
export type AdministratorAction = (typeof ADMINISTRATOR_ACTIONS)[number];

/** Roles that tokens of administrators carry. What each may do stands in the policy alone. */
export const ADMINISTRATOR_ROLES = ['owner', 'operator', 'policy-approver', 'auditor', 'siem'] as const;
export type AdministratorRole = (typeof ADMINISTRATOR_ROLES)[number];

/** Who asks. `endorsed`: their device is one of the person's. */
export type Principal =
  | {
      readonly kind: 'person';
      readonly id: string;
      readonly assurance: Assurance;
      readonly endorsed: boolean;
      /** The connection that they signed in through. */
      readonly connection?: string;
    }
  | {
      readonly kind: 'partner';
      readonly id: string;
      readonly status: 'active' | 'suspended';
      /** The domains that it is approved for. */
      readonly domains?: readonly string[];
    }
  | { readonly kind: 'administrator'; readonly id: string; readonly roles: readonly AdministratorRole[] }
  | { readonly kind: 'anonymous'; readonly id: 'anonymous' };

/** What it is about. `owner`: the `sub` whose thing it is, where it is somebody's. The rest: facts, where they are known. */
export interface Resource {
  readonly kind:
    | 'bridge'
    | 'person'
    | 'device'
    | 'address'
    | 'connection'
    | 'events'
    | 'group'
    | 'data'
    | 'policy';
  readonly id: string;
  readonly owner?: string;
  /** Of a person, or of whom an address is. */
  readonly assurance?: Assurance;
  /** Of an address. */
  readonly domain?: string;
  /** Of a group. */
  readonly groupKind?: 'meeting' | 'durable';
  /** Of a group, or of a sealed key: what its maker called it. */
  readonly label?: string;
  /** Of data that is to be encrypted. */
  readonly category?: string;
  readonly sensitivity?: string;
}

export interface DecisionRequest {
  readonly action: Action;
  readonly principal: Principal;
  readonly resource: Resource;
  readonly context: DecisionContext;
}

/** How somebody signed in, as their IdP says. */
export interface SignInFacts {
  readonly protocol: 'oidc' | 'saml';
  readonly acr?: string;
  readonly amr: readonly string[];
  /** Seconds since they authenticated at the IdP. */
  readonly age?: number;
  /** `amr` or `acr` showed several factors. */
  readonly multiFactor: boolean;
}

/** Facts that policies may ask for; absent means unknown, and a policy that needs it does not permit. */
export interface DecisionContext {
  readonly connectionStatus?: 'draft' | 'tested' | 'active' | 'disabled';
  /** Devices that the person has already. */
  readonly devices?: number;
  readonly signIn?: SignInFacts;
  /** What the asking person, or somebody for whom a partner asks, is in the group. */
  readonly groupRole?: 'admin' | 'member' | 'none';
  /** Who is to be added to the group: `own`, of this company; `assurance`, of a person of it. */
  readonly memberKind?: 'person' | 'group';
  readonly memberOwn?: boolean;
  /** Entity id of the bridge that they belong to. */
  readonly memberBridge?: string;
  readonly memberAssurance?: Assurance;
  /** Whether policy names the group as a recipient of the data that is sealed to it. */
  readonly named?: boolean;
  /** Of a draft: administrators beside its author who approved it. */
  readonly approvals?: number;
  /** Administrators whose tokens have not expired. */
  readonly administrators?: number;
  /** Whether the asking administrator made the draft. */
  readonly author?: boolean;
  /** Roles of the administrator's token that is to be made or ended. */
  readonly tokenRoles?: readonly AdministratorRole[];
}

/**
 * `policy` is the id of the policy that decided; `no-permit` when none allowed it, `engine-failed` when none could be
 * asked. `hash` names the policy document that was in force.
 */
export interface Decision {
  readonly effect: 'allow' | 'deny';
  readonly policy: string;
  readonly reason: string;
  readonly hash: string;
  /** Every policy that took part in the answer. */
  readonly policies: readonly string[];
  /** For `no-permit`: the permits for this action that came nearest. */
  readonly nearest?: readonly string[];
  /** By which `countersign policy explain` finds it; on denials, and where decisions are recorded. */
  readonly id?: string;
}

/** In `Decision.policy`: no policy could be asked. */
export const ENGINE_FAILED = 'engine-failed';

/** The port that every decision goes through: the same request has the same answer under the same policy. */
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

/**
 * The error of a denied request: who of the company asked is told the deciding policy, and what would have permitted it.
 * Where no policy could be asked it is `policy_unavailable`, whatever a denial would say: that may be better in a while.
 */
export function deniedBy(
  request: DecisionRequest,
  decision: Decision,
  code: ErrorCode = 'forbidden',
): CountersignError {
  const cause = new PolicyDenial(request, decision);
  if (decision.policy === ENGINE_FAILED)
    return new CountersignError('policy_unavailable', undefined, { cause });
  const isOurs = request.principal.kind === 'person' || request.principal.kind === 'administrator';
  const detail = isOurs && !saysAbsent(code) ? explained(decision) : undefined;
  return new CountersignError(code, detail, { cause });
}

function explained({ policy, reason, nearest = [] }: Decision): string {
  const permits = nearest.length === 0 ? '' : ` Nearest: ${nearest.join(', ')}.`;
  return `${policy}: ${reason}${permits}`;
}

/** That there is nothing of the kind: a rule beside it would say that there is something. */
function saysAbsent(code: ErrorCode): boolean {
  return code.endsWith('_unknown') || code === 'not_found';
}

/** By which whoever was refused can ask about it, whoever they are; nothing where the refusal says that there is nothing. */
export function decisionIdOf(error: CountersignError): string | undefined {
  return error.cause instanceof PolicyDenial && !saysAbsent(error.code) ? error.cause.decision.id : undefined;
}

/** Decides, and throws `forbidden` with the deciding policy's id unless it is allowed. */
export function requireAllowed(decide: Decide, request: DecisionRequest): Decision {
  const decision = decide(request);
  if (decision.effect === 'deny') throw deniedBy(request, decision);
  return decision;
}
