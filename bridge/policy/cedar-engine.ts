import { statefulIsAuthorized } from '@cedar-policy/cedar-wasm/nodejs';
import { DECISION_TIME_MS } from '../lib/limits.ts';
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
   * request that Cedar does not take, and when it took longer than DECISION_TIME_MS twice.
   */
  ask(request: CedarRequest): Verdict;
}

/** Evaluates these policies. `now`: a clock in milliseconds. */
export function createCedarEngine(policies: readonly NamedPolicy[], now: () => number): CedarEngine {
  const parsedName = keepParsed(Object.fromEntries(policies.map(({ id, text }) => [id, text])));

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
      const name = parsedName();
      // Twice: the process may have been put aside meanwhile, which says nothing about the policies.
      for (let tries = 0; tries < 2; tries += 1) {
        const start = now();
        const verdict = evaluate(request, name);
        if (now() - start <= DECISION_TIME_MS) return verdict;
      }
      throw new Error(`the decision took longer than ${DECISION_TIME_MS} ms`);
    },
  };
}
