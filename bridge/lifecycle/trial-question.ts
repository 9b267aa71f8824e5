import type { AskingParty } from '../binding/permission.ts';
import type { DecisionRequest, Resource, SignInFacts } from '../policy/decision.ts';
import type { Topic } from './trial-findings.ts';

/** A question that could be asked of the policy today. */
export interface TrialQuestion {
  readonly topic: Topic;
  readonly request: DecisionRequest;
  /** Requests with the same facts are alike, while no policy names an id. */
  readonly facts: string;
  /** Whom it is about, for the examples. */
  readonly example: string;
}

/** What was looked at, and in words what was not. */
export interface Looked {
  people: number;
  groups: number;
  partners: number;
  administrators: number;
  connections: number;
  readonly notLookedAt: string[];
}

/** Who looks people up: our own, of each kind there is, and partners. */
export interface Asker extends AskingParty {
  readonly words: string;
}

/** Nobody in particular: what is decided for them holds for all who are like them. */
export const SOMEBODY = 'somebody';

/** A sign-in that most policies are content with. */
export const MULTI_FACTOR: SignInFacts = {
  ...{ protocol: 'oidc', amr: ['pwd', 'otp', 'mfa'], age: 0, multiFactor: true },
};

/** A group that no rule can mean in particular. */
export function someGroup(groupKind: 'meeting' | 'durable'): Resource {
  return { kind: 'group', id: SOMEBODY, groupKind, label: 'Group' };
}
