import { publishedTrustSchema } from '../../../protocol/published-trust.ts';
import { LOGGED_TRUST_PATH, type PublishTrust } from '../../federation/publish-trust.ts';
import { defineRoute, type Route } from '../route.ts';

/** Where anybody can hold what this bridge says of itself against its key log. */
export function loggedTrustRoutes({ publishTrust }: { publishTrust: PublishTrust }): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: LOGGED_TRUST_PATH,
      summary: 'This bridge’s own record and policy, with the proofs that its key log has them as the newest',
      tag: 'federation',
      authentication: 'none',
      response: { status: 200, description: 'Both, with their proofs', schema: publishedTrustSchema },
      errors: ['policy_unavailable', 'unavailable'],
      handle: async () => ({ body: await publishTrust() }),
    }),
  ];
}
