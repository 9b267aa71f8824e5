import { recoveryAskingSchema, recoverySchema } from '../../../protocol/escrow/organization-api.ts';
import type { Recoveries } from '../../binding/recoveries.ts';
import { JSON_BODY_BYTES } from '../../lib/limits.ts';
import { defineRoute, holderOf, type Route } from '../route.ts';

const common = { tag: 'client', authentication: 'device' } as const;

/** Recovery of keys by two administrators, as the asking device sees it. */
export function recoveryRoutes({ recoveries }: { recoveries: Recoveries }): Route[] {
  return [
    defineRoute({
      ...common,
      method: 'post',
      path: '/v1/recoveries',
      summary: 'Ask two administrators for the person’s escrowed keys',
      body: { schema: recoveryAskingSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 201, description: 'The recovery', schema: recoverySchema },
      errors: [
        'escrow_none',
        'device_limit',
        'request_id_reused',
        'key_invalid',
        'recrypt_input_invalid',
        'person_unknown',
        'person_closed',
        'conflict',
        'unavailable',
      ],
      handle: async (request) => ({
        body: await recoveries.request(holderOf(request), request.body, request.context),
      }),
    }),
    defineRoute({
      ...common,
      method: 'get',
      path: '/v1/recoveries/:id',
      summary: 'How far a recovery is; once released, the two shares for this device',
      response: { status: 200, description: 'The recovery', schema: recoverySchema },
      errors: [
        'recovery_unknown',
        'escrow_none',
        'person_unknown',
        'person_closed',
        'conflict',
        'unavailable',
      ],
      handle: async (request) => ({
        body: await recoveries.find(holderOf(request), request.params.id ?? ''),
      }),
    }),
  ];
}
