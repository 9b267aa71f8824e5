import * as z from 'zod';
import { keyOpeningBodySchema, keyOpeningSchema } from '../../../protocol/groups/api.ts';
import { KEY_OPENINGS_PATH } from '../../groups/foreign-openings.ts';
import type { KeyOpenings } from '../../groups/opening-services.ts';
import { JSON_BODY_BYTES, KEY_OPENING_REQUEST_BYTES } from '../../lib/limits.ts';
import { defineRoute, holderOf, type Route } from '../route.ts';

/** Opening sealed keys (PROTOCOL §10): for a device of ours, and our part of the way for a partner's person. */
export function keyOpeningRoutes({ keyOpenings }: { keyOpenings: KeyOpenings }): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: '/v1/key-openings',
      summary: 'A sealed key, transformed for the asking device',
      tag: 'client',
      authentication: 'device',
      body: { schema: keyOpeningBodySchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 200, description: 'The key, and who sealed it', schema: keyOpeningSchema },
      errors: [
        ...(['sealed_key_unknown', 'group_unknown', 'group_ended', 'group_excluded'] as const),
        ...(['membership_stale', 'conflict', 'forbidden', 'overloaded', 'recrypt_input_invalid'] as const),
        ...(['device_not_endorsed', 'person_unknown', 'person_closed', 'unavailable'] as const),
        ...(['partner_unknown', 'partner_suspended', 'partner_unreachable', 'partner_slow'] as const),
        ...(['partner_refuses', 'partner_lying', 'partner_replay', 'partner_expired'] as const),
      ],
      handle: async (request) => ({
        body: await keyOpenings.open(holderOf(request), request.body, request.context, request.signal),
      }),
    }),
    defineRoute({
      method: 'post',
      path: KEY_OPENINGS_PATH,
      summary: 'Transform a sealed key of a group here for a partner’s person, as far as this bridge can',
      tag: 'federation',
      authentication: 'none',
      body: {
        schema: z.string().describe('A compact JWS of type key-opening-request+jwt'),
        maxBytes: KEY_OPENING_REQUEST_BYTES,
        mediaType: 'application/key-opening-request+jwt',
      },
      response: {
        status: 200,
        description: 'The signed response',
        mediaType: 'application/key-opening-response+jwt',
      },
      errors: [
        ...(['partner_unknown', 'partner_suspended', 'replayed', 'jws_audience', 'jws_signature'] as const),
        ...(['sealed_key_unknown', 'group_unknown', 'group_ended', 'group_excluded', 'conflict'] as const),
        ...(['forbidden', 'overloaded', 'recrypt_input_invalid'] as const),
      ],
      handle: async ({ body, context, signal }) => ({
        text: await keyOpenings.answerPartner(body, context, signal),
        mediaType: 'application/key-opening-response+jwt',
      }),
    }),
  ];
}
