import { readDefaultContent } from '../content/default-content.ts';
import {
  ACTIONS,
  type Action,
  type Decide,
  type Decision,
  type DecisionRequest,
  ENGINE_FAILED,
} from '../decision.ts';
import type { Policy } from '../policy.ts';
import { applicableTypes } from './applicable-types.ts';
import { type AttributeRead, appliesToAction, attributesRead } from './attributes-read.ts';
import { createCedarEngine } from './cedar-engine.ts';
import type { NamedPolicy } from './cedar-parse.ts';
import { type CedarRequest, toCedarRequest } from './cedar-request.ts';
import { createDecisionMemo, memoKey } from './decision-memo.ts';
import { requireSoundEngine } from './engine-doubt.ts';
import { createNearestPermits } from './nearest-permits.ts';

/** A decision that could not be made, and was refused for that. */
export interface DecisionFailure {
  readonly request: DecisionRequest;
  readonly hash: string;
  readonly reason: string;
}

/** Since the policy was compiled. `hits` and `misses` of the memo, `size` of it. */
export interface DecisionStatistics {
  readonly hits: number;
  readonly misses: number;
  readonly size: number;
  readonly failures: number;
}

export interface Decider {
  readonly decide: Decide;
  readonly readsIds: Policy['readsIds'];
  statistics(): DecisionStatistics;
  /** The first calls of a new engine take ten times as long as the later ones. */
  warmUp(): void;
}

export interface DeciderParts {
  readonly policies: readonly NamedPolicy[];
  readonly hash: string;
  readonly now: () => number;
  /** Decisions that are kept for whoever asks the same. */
  readonly remembered: number;
  readonly onFailure: (failure: DecisionFailure) => void;
}

/** Decides by policies that were validated: deny by default, a forbid wins, and what fails is refused. */
export function createDecider({ policies, hash, now, remembered, onFailure }: DeciderParts): Decider {
  const engine = createCedarEngine(policies, now);
  const memo = createDecisionMemo<Decision>(remembered);
  const nearestTo = createNearestPermits(policies);
  const types = applicableTypes(readDefaultContent().schema);
  const byId = new Map(policies.map((policy, order) => [policy.id, { ...policy, order }]));
  const readsOf = new Map(ACTIONS.map((action) => [action, readsFor(action, policies)]));
  let failures = 0;

  function answer(request: DecisionRequest): Decision {
    requireSoundEngine();
    const asked = toCedarRequest(request);
    const key = memoKey(asked, readsOf.get(request.action) ?? []);
    const known = memo.find(key);
    if (known !== undefined) return known;
    const decision = types.covers(request.action, asked)
      ? decideBy(request, asked)
      : noPermit(request.action);
    memo.keep(key, decision);
    return decision;
  }

  function decideBy({ action }: DecisionRequest, asked: CedarRequest): Decision {
    const { effect, determining } = engine.ask(asked);
    const deciding = determining.flatMap((id) => byId.get(id) ?? []).sort((a, b) => a.order - b.order);
    const [first] = deciding;
    if (first !== undefined) {
      const ids = Object.freeze(deciding.map(({ id }) => id));
      return Object.freeze({ effect, policy: first.id, reason: first.reason, hash, policies: ids });
    }
    if (effect === 'allow') throw new Error('it is allowed by no policy');
    return noPermit(action, () => nearestTo(asked));
  }

  function noPermit(action: Action, findNearest: () => readonly string[] = () => []): Decision {
    let nearest: readonly string[] | undefined;
    const reason = `No policy permits ${action} here.`;
    return Object.freeze({
      ...({ effect: 'deny', policy: 'no-permit', reason, hash, policies: NO_POLICIES } as const),
      /** Looked for when somebody wants to know: most refusals are not explained. */
      get nearest() {
        nearest ??= orNone(findNearest);
        return nearest;
      },
    });
  }

  function failed(request: DecisionRequest, error: unknown): Decision {
    failures += 1;
    const reason = error instanceof Error ? error.message : String(error);
    onFailure({ request, hash, reason });
    return {
      ...{ effect: 'deny', policy: ENGINE_FAILED, hash, policies: NO_POLICIES },
      reason: 'The policy could not be asked, so nothing is allowed.',
    };
  }

  return {
    decide(request) {
      try {
        return answer(request);
      } catch (error) {
        return failed(request, error);
      }
    },
    readsIds: (action) => (readsOf.get(action) ?? []).some(({ path: [, ...below] }) => below.length === 0),
    statistics: () => ({ hits: memo.hits, misses: memo.misses, size: memo.size, failures }),
    warmUp() {
      for (const action of ACTIONS) {
        try {
          engine.ask(toCedarRequest({ ...WARM_UP, action }));
        } catch {
          // It is asked without the facts that policies need: what it answers does not matter.
        }
      }
    },
  };
}

const NO_POLICIES: readonly string[] = Object.freeze([]);

/** An explanation that cannot be had changes no decision: Cedar takes less nesting in the form that permits are taken apart in. */
function orNone(find: () => readonly string[]): readonly string[] {
  try {
    return find();
  } catch {
    return NO_POLICIES;
  }
}

const WARM_UP = {
  principal: { kind: 'person', id: 'nobody', assurance: 'member', endorsed: true },
  resource: { kind: 'person', id: 'nobody', owner: 'nobody' },
  context: { devices: 0, signIn: { protocol: 'oidc', amr: ['pwd'], multiFactor: false } },
} as const;

function readsFor(action: Action, policies: readonly NamedPolicy[]): readonly AttributeRead[] {
  return attributesRead(policies.map(({ json }) => json).filter((json) => appliesToAction(json, action)));
}
