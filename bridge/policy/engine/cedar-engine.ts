import { DECISION_TIME_MS, DECISION_TRIES } from '../../lib/limits.ts';
import { appliesToAction } from './attributes-read.ts';
import { statefulIsAuthorized } from './cedar.ts';
import type { NamedPolicy } from './cedar-parse.ts';
import type { CedarRequest } from './cedar-request.ts';
import { keepParsed } from './cedar-slots.ts';

/** What Cedar says of a request. */
export interface Verdict {
  readonly effect: 'allow' | 'deny';
  /** Ids of the policies that decided: forbids, or else permits. */
  readonly determining: readonly string[];
}

export interface CedarEngine {
  /**
   * Evaluates. Throws for an error in any policy (Cedar alone would leave that policy out, and a forbid with it), for a
   * request that Cedar does not take, and when it took longer than DECISION_TIME_MS in each of DECISION_TRIES tries.
   */
  ask(request: CedarRequest): Verdict;
}

/** Evaluates these policies. `now`: a clock in milliseconds. */
export function createCedarEngine(policies: readonly NamedPolicy[], now: () => number): CedarEngine {
  /** Those of one action alone: Cedar looks at every policy of a set, and of the others none can apply. */
  const parsedFor = new Map<string, () => string>();

  function parsedName(action: string): string {
    const known = parsedFor.get(action);
    if (known !== undefined) return known();
    const applying = policies.filter(({ json }) => appliesToAction(json, action));
    const name = keepParsed(Object.fromEntries(applying.map(({ id, text }) => [id, text])));
    parsedFor.set(action, name);
    return name();
  }

  function evaluate({ principal, action, resource, context, entities }: CedarRequest, name: string): Verdict {
    const request = { principal, action, resource, context, entities };
    const answer = statefulIsAuthorized({ ...request, preparsedPolicySetId: name });
    if (answer.type === 'failure') throw new Error(answer.errors.map(({ message }) => message).join('; '));
    const { decision, diagnostics } = answer.response;
    const [error] = diagnostics.errors;
    if (error !== undefined) throw new Error(`${error.policyId} errs: ${error.error.message}`);
    return { effect: decision, determining: diagnostics.reason };
  }

  return {
    ask(request) {
      const name = parsedName(request.action.id);
      // Again: the process may have been put aside meanwhile, which says nothing about the policies.
      for (let tries = 0; tries < DECISION_TRIES; tries += 1) {
        const start = now();
        const verdict = evaluate(request, name);
        if (now() - start <= DECISION_TIME_MS) return verdict;
      }
      throw new Error(`the decision took longer than ${DECISION_TIME_MS} ms`);
    },
  };
}
