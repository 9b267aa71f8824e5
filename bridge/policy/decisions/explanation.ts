import { CountersignError } from '../../../protocol/errors.ts';
import type { Database } from '../../storage/database.ts';
import type { CompiledPolicy } from '../content/compile-policy.ts';
import type { CompileContent } from '../content/compiled-contents.ts';
import type { Action, Decision, DecisionRequest } from '../decision.ts';
import type { EntityJson } from '../engine/cedar.ts';
import type { NamedPolicy } from '../engine/cedar-parse.ts';
import { toCedarRequest } from '../engine/cedar-request.ts';
import { findPolicyContent } from '../versions/policy-content-store.ts';
import type { PolicyInForce } from '../versions/policy-in-force.ts';
import { type DecisionFilter, findDecision, listDecisions, type RecordedDecision } from './decision-store.ts';

/** A policy as it stands in its file. */
export interface ExplainedPolicy {
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  readonly reason: string;
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** Why something was decided as it was. */
export interface Explanation {
  readonly request: DecisionRequest;
  /** Who asked, what it is about and the facts, as the policies saw them. */
  readonly seen: {
    readonly principal: EntityJson | null;
    readonly resource: EntityJson | null;
    readonly context: Readonly<Record<string, unknown>>;
  };
  readonly effect: Decision['effect'];
  /** The policy that decided, `no-permit` or `engine-failed`; and why, in its words. */
  readonly policy: string;
  readonly reason: string;
  /** Every policy that took part in the answer. */
  readonly deciding: readonly ExplainedPolicy[];
  /** Of `no-permit`: what came nearest to allowing it. */
  readonly nearest: readonly ExplainedPolicy[];
  /** Of the policy document, and whether that is in force now. */
  readonly hash: string;
  readonly inForce: boolean;
}

export interface RecordedExplanation extends Explanation {
  readonly id: string;
  /** ms */
  readonly decided: number;
  readonly times: number;
}

/** A recorded decision in a line. */
export interface DecisionSummary extends Pick<Decision, 'effect' | 'policy' | 'reason'> {
  readonly id: string;
  /** ms */
  readonly decided: number;
  readonly action: Action;
  readonly principal: { readonly kind: string; readonly id: string };
  readonly resource: { readonly kind: string; readonly id: string };
  readonly times: number;
}

export interface Explanations {
  /** The newest first. */
  list(filter: DecisionFilter): Promise<DecisionSummary[]>;
  /** Throws `decision_unknown`. */
  ofDecision(id: string): Promise<RecordedExplanation>;
  /** What would be decided now. Nothing is recorded. Throws `policy_unavailable`. */
  ofQuestion(request: DecisionRequest): Explanation;
}

export function createExplanations(deps: {
  readonly database: Database;
  readonly policy: Pick<PolicyInForce, 'current'>;
  readonly compile: CompileContent;
}): Explanations {
  const { database, policy } = deps;

  async function compiledOf(hash: string): Promise<CompiledPolicy | undefined> {
    if (policy.current?.hash === hash) return policy.current.compiled;
    const content = await database.read((query) => findPolicyContent(query, hash));
    try {
      return content === undefined ? undefined : deps.compile(content);
    } catch {
      // It was written for another release: what it said then stands in the record.
      return undefined;
    }
  }

  return {
    async list(filter) {
      const found = await database.read((query) => listDecisions(query, filter));
      return found.map(summary);
    },

    async ofDecision(id) {
      const found = await database.read((query) => findDecision(query, id));
      if (found === undefined) throw new CountersignError('decision_unknown');
      const { request, decision, decided, times } = found;
      const compiled = await compiledOf(decision.hash);
      const nearest = decision.policy === 'no-permit' ? (compiled?.decide(request).nearest ?? []) : [];
      const inForce = policy.current?.hash === decision.hash;
      return { id, decided, times, ...explain(request, { ...decision, nearest }, compiled, inForce) };
    },

    ofQuestion(request) {
      const compiled = policy.current?.compiled;
      if (compiled === undefined) throw new CountersignError('policy_unavailable');
      return explain(request, compiled.decide(request), compiled, true);
    },
  };
}

function explain(
  request: DecisionRequest,
  { effect, policy, reason, hash, policies, nearest = [] }: Decision,
  compiled: CompiledPolicy | undefined,
  inForce: boolean,
): Explanation {
  const { entities, context } = toCedarRequest(request);
  const [principal, resource] = Array.isArray(entities) ? entities : [];
  const named = (ids: readonly string[]) =>
    ids.flatMap((id) => compiled?.policies.filter((each) => each.id === id) ?? []).map(shown);
  return {
    ...{ request, seen: { principal: principal ?? null, resource: resource ?? null, context } },
    ...{ effect, policy, reason, deciding: named(policies), nearest: named(nearest), hash, inForce },
  };
}

function summary({ id, decided, request, decision, times }: RecordedDecision): DecisionSummary {
  const { action, principal, resource } = request;
  const { effect, policy, reason } = decision;
  return {
    ...{ id, decided, action, effect, policy, reason, times },
    principal: { kind: principal.kind, id: principal.id },
    resource: { kind: resource.kind, id: resource.id },
  };
}

function shown({ id, effect, reason, file, line, text }: NamedPolicy): ExplainedPolicy {
  return { id, effect, reason, file, line, text };
}
