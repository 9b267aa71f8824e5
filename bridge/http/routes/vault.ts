import { vaultSchema } from '../../../protocol/api.ts';
import type { Vaults } from '../../binding/services.ts';
import { defineRoute, holderOf, type Route } from '../route.ts';

/** The vault, for a device that must approve or rotate. */
export function vaultRoutes({ vaults }: { vaults: Vaults }): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/v1/vault',
      summary: 'The person’s vault, transformed for the asking device',
      tag: 'client',
      authentication: 'device',
      response: { status: 200, description: 'The sealed vault and its statement', schema: vaultSchema },
      errors: [
        'device_not_endorsed',
        'person_unknown',
        'person_closed',
        'conflict',
        'unavailable',
        'overloaded',
      ],
      handle: async (request) => ({ body: await vaults.open(holderOf(request), request.context) }),
    }),
  ];
}
