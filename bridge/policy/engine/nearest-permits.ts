import { NEAREST_PERMITS } from '../../lib/limits.ts';
import { appliesToAction } from './attributes-read.ts';
import { type Clause, type Expr, isAuthorized, type PolicyJson } from './cedar.ts';
import type { NamedPolicy } from './cedar-parse.ts';
import type { CedarRequest } from './cedar-request.ts';

/** A permit taken apart: each of its conditions alone, as a policy. */
interface Parts {
  readonly id: string;
  /** That the request is of the kind that it is for. */
  readonly scope: PolicyJson;
  readonly conditions: readonly PolicyJson[];
}

/**
 * Of permits for a request that none of them allowed, those whose conditions came nearest: fewest that do not hold, then
 * in the order of the files. A condition that cannot be told alone does not hold.
 */
export function createNearestPermits(
  policies: readonly NamedPolicy[],
): (request: CedarRequest) => readonly string[] {
  const byAction = new Map<string, readonly Parts[]>();

  function partsFor(action: string): readonly Parts[] {
    const known = byAction.get(action);
    if (known !== undefined) return known;
    const permits = policies.filter(
      ({ effect, json }) => effect === 'permit' && appliesToAction(json, action),
    );
    const parts = permits.map(takeApart);
    byAction.set(action, parts);
    return parts;
  }

  return (request) => {
    const permits = partsFor(request.action.id);
    const holding = holdingParts(permits, request);
    const missing = permits.flatMap(({ id, conditions }, permit) => {
      if (!holding.has(`${permit}`)) return [];
      return [{ id, missing: conditions.filter((_, each) => !holding.has(`${permit}.${each}`)).length }];
    });
    return missing
      .sort((a, b) => a.missing - b.missing)
      .slice(0, NEAREST_PERMITS)
      .map(({ id }) => id);
  };
}

/** All parts are asked at once: each is a policy, and Cedar answers with those that apply. */
function holdingParts(permits: readonly Parts[], request: CedarRequest): ReadonlySet<string> {
  const staticPolicies: Record<string, PolicyJson> = {};
  for (const [permit, { scope, conditions }] of permits.entries()) {
    staticPolicies[`${permit}`] = scope;
    for (const [each, condition] of conditions.entries()) staticPolicies[`${permit}.${each}`] = condition;
  }
  const { principal, action, resource, context, entities } = request;
  const answer = isAuthorized({
    ...{ principal, action, resource, context, entities },
    policies: { staticPolicies },
  });
  return new Set(answer.type === 'success' ? answer.response.diagnostics.reason : []);
}

function takeApart({ id, json }: NamedPolicy): Parts {
  const scope: PolicyJson = { ...json, conditions: [] };
  const conditions = json.conditions.flatMap((clause): Clause[] =>
    clause.kind === 'unless' ? [clause] : conjuncts(clause.body).map((body) => ({ kind: 'when', body })),
  );
  return { id, scope, conditions: conditions.map((condition) => ({ ...scope, conditions: [condition] })) };
}

/** `a && b && c` as its three parts. */
function conjuncts(expression: Expr): Expr[] {
  const pair: unknown = '&&' in expression ? expression['&&'] : undefined;
  return isPair(pair) ? [...conjuncts(pair.left), ...conjuncts(pair.right)] : [expression];
}

function isPair(operands: unknown): operands is { left: Expr; right: Expr } {
  return typeof operands === 'object' && operands !== null && 'left' in operands && 'right' in operands;
}
