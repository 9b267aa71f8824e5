import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { administratorRequest } from '../policy/changes/administrator-request.ts';
import {
  type AdministratorAction,
  type Decide,
  type DecisionContext,
  requireAllowed,
} from '../policy/decision.ts';
import { type ApiRequest, defineRoute, type Route } from './route.ts';

/** A route for administrators, as they declare it: who may call it is the same for all of them. */
export type AdministratorRoute<Body, Query> = Omit<
  Route<Body, Query>,
  'authentication' | 'tag' | 'action'
> & {
  readonly tag?: Route['tag'];
  /** What policy is asked for. */
  readonly action: AdministratorAction;
  /** What policy may want to know of the matter beside who asks. */
  readonly facts?: (request: ApiRequest<Body, Query>) => DecisionContext | Promise<DecisionContext>;
};

/** Declares a route that only an administrator may call, and only as policy decides. */
export function defineAdministratorRoute<Body, Query>(
  decide: Decide,
  route: AdministratorRoute<Body, Query>,
): Route {
  const { facts = () => ({}), ...described } = route;
  const { action } = route;
  return defineRoute<Body, Query>({
    tag: 'administration',
    ...described,
    authentication: 'administrator',
    handle: async (request) => {
      if (request.administrator === null) throw new TypeError('an administrator route without one');
      const about = { path: request.params, facts: await facts(request) };
      requireAllowed(decide, administratorRequest(action, request.administrator, about));
      return await route.handle(request).catch(asRequestFault);
    },
  });
}

/** What an administrator configured wrongly over the API is a fault of the request, not of the bridge's own file. */
function asRequestFault(error: unknown): never {
  if (!isCountersignError(error, 'config_invalid')) throw error;
  throw new CountersignError('malformed_request', error.detail, { cause: error });
}
