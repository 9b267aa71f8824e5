import type { DecisionRequest } from '../decision.ts';
import { isAuthorized } from './cedar.ts';
import { toCedarRequest } from './cedar-request.ts';

/** Answers what a schema has against a request; undefined for one that it foresees. */
export function createRequestCheck(schema: string): (request: DecisionRequest) => string | undefined {
  return (request) => {
    const { principal, action, resource, context, entities } = toCedarRequest(request);
    const answer = isAuthorized({
      ...{ principal, action, resource, context, entities },
      ...{ schema, validateRequest: true, policies: { staticPolicies: {} } },
    });
    if (answer.type === 'success') return undefined;
    return answer.errors
      .map(({ message, help }) => (help === null ? message : `${message} (${help})`))
      .join('; ');
  };
}
