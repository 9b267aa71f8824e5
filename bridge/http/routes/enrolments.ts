import {
  enrolmentConfirmationSchema,
  enrolmentOfferSchema,
  enrolmentRequestSchema,
  enrolmentResultSchema,
} from '../../../protocol/api.ts';
import type { Enrolments } from '../../binding/services.ts';
import { ENROLMENT_BODY_BYTES } from '../../lib/limits.ts';
import { defineRoute, holderOf, type Route } from '../route.ts';

/** Enrolment in two steps (PROTOCOL §2). */
export function enrolmentRoutes({ enrolments }: { enrolments: Enrolments }): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: '/v1/enrolments',
      summary: 'Begin to enrol: the bridge’s share and the unsigned key statement',
      tag: 'client',
      authentication: 'device',
      body: { schema: enrolmentRequestSchema, maxBytes: ENROLMENT_BODY_BYTES },
      response: { status: 201, description: 'The offer', schema: enrolmentOfferSchema },
      errors: [
        'already_enrolled',
        'request_id_reused',
        'no_address',
        'address_invalid',
        'domain_not_approved',
        'key_invalid',
        'recrypt_input_invalid',
        'person_unknown',
        'person_closed',
        'conflict',
      ],
      handle: async (request) => ({
        body: await enrolments.offer(holderOf(request), request.body, request.context),
      }),
    }),
    defineRoute({
      method: 'post',
      path: '/v1/enrolments/:id/confirmation',
      summary: 'Confirm an enrolment; answers once the key statement is published',
      tag: 'client',
      authentication: 'device',
      body: { schema: enrolmentConfirmationSchema, maxBytes: ENROLMENT_BODY_BYTES },
      response: { status: 200, description: 'The stapled credential', schema: enrolmentResultSchema },
      errors: [
        'enrolment_unknown',
        'enrolment_expired',
        'enrolment_proof',
        'statement_signature',
        'endorsement_mismatch',
        'transform_key_mismatch',
        'overloaded',
        'recrypt_input_invalid',
        'already_enrolled',
        'person_unknown',
        'person_closed',
        'conflict',
        'unavailable',
      ],
      handle: async (request) => ({
        body: await enrolments.confirm(
          holderOf(request),
          request.params.id ?? '',
          request.body,
          request.context,
        ),
      }),
    }),
  ];
}
