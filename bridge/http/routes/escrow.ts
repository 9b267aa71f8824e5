import { enrolmentResultSchema } from '../../../protocol/api.ts';
import { escrowOpeningSchema, recoveryRequestSchema } from '../../../protocol/escrow/api.ts';
import type { Escrows } from '../../binding/escrows.ts';
import { ENROLMENT_BODY_BYTES } from '../../lib/limits.ts';
import { defineRoute, holderOf, type Route } from '../route.ts';

const common = { tag: 'client', authentication: 'device', method: 'post' } as const;

/** Recovery of keys that were escrowed under a passphrase (PROTOCOL §9). */
export function escrowRoutes({ escrows }: { escrows: Escrows }): Route[] {
  return [
    defineRoute({
      ...common,
      path: '/v1/escrow/opening',
      summary: 'What the person escrowed: it opens with their passphrase, on the device that asks',
      response: { status: 200, description: 'The escrow and its statement', schema: escrowOpeningSchema },
      errors: ['escrow_none', 'device_limit', 'person_unknown', 'person_closed', 'conflict', 'unavailable'],
      handle: async (request) => ({ body: await escrows.open(holderOf(request), request.context) }),
    }),
    defineRoute({
      ...common,
      path: '/v1/escrow/recoveries',
      summary: 'Add the asking device with the keys that it recovered',
      body: { schema: recoveryRequestSchema, maxBytes: ENROLMENT_BODY_BYTES },
      response: { status: 200, description: 'The stapled credential', schema: enrolmentResultSchema },
      errors: [
        'escrow_none',
        'recovery_proof',
        'device_limit',
        'endorsement_mismatch',
        'transform_key_mismatch',
        'overloaded',
        'key_invalid',
        'recrypt_input_invalid',
        'person_unknown',
        'person_closed',
        'conflict',
        'unavailable',
      ],
      handle: async (request) => ({
        body: await escrows.recover(holderOf(request), request.body, request.context),
      }),
    }),
  ];
}
