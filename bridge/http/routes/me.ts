import { meSchema } from '../../../protocol/api.ts';
import type { Profiles } from '../../binding/services.ts';
import { defineRoute, holderOf, type Route } from '../route.ts';

/** Who the token's holder is. */
export function meRoutes({ profiles }: { profiles: Profiles }): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/v1/me',
      summary: 'The signed-in person: addresses, credential, devices',
      tag: 'client',
      authentication: 'device',
      response: { status: 200, description: 'The person', schema: meSchema },
      errors: ['person_unknown', 'person_closed'],
      handle: async (request) => ({ body: await profiles.describe(holderOf(request)) }),
    }),
  ];
}
