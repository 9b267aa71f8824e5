import * as z from 'zod';
import {
  sealedKeyBodySchema,
  sealedKeyReceiptSchema,
  sealedKeysPageSchema,
} from '../../../protocol/groups/api.ts';
import type { SealedKeyDeposits } from '../../groups/opening-services.ts';
import { SEALED_KEYS_PATH } from '../../groups/sealed-key-deposits.ts';
import { SEALED_KEY_BODY_BYTES, SEALED_KEY_DEPOSIT_BYTES } from '../../lib/limits.ts';
import { defineRoute, holderOf, type Route } from '../route.ts';

const after = z.object({ after: z.coerce.number().int().min(0).default(0) });

/** Sealing keys to groups and persons, of any company (PROTOCOL §10). */
export function sealedKeyRoutes({ sealedKeys }: { sealedKeys: SealedKeyDeposits }): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: '/v1/sealed-keys',
      summary: 'Keep a key that the asking device sealed to a group or a person, here or at their bridge',
      tag: 'client',
      authentication: 'device',
      body: { schema: sealedKeyBodySchema, maxBytes: SEALED_KEY_BODY_BYTES },
      response: { status: 201, description: 'What is kept', schema: sealedKeyReceiptSchema },
      errors: [
        ...(['group_unknown', 'group_ended', 'person_unknown', 'person_closed', 'conflict'] as const),
        ...(['sealed_key_mismatch', 'recrypt_input_invalid', 'claims_invalid', 'jws_signature'] as const),
        ...(['jws_expired', 'jws_not_yet_valid', 'jws_unknown_key', 'forbidden'] as const),
        ...(['device_not_endorsed', 'unavailable', 'partner_unknown', 'partner_suspended'] as const),
        ...(['partner_unreachable', 'partner_slow', 'partner_refuses', 'partner_lying'] as const),
        ...(['partner_replay', 'partner_expired', 'overloaded', 'recipients_none'] as const),
        'policy_unavailable',
      ],
      handle: async (request) => ({
        body: await sealedKeys.deposit(holderOf(request), request.body, request.context),
      }),
    }),
    defineRoute({
      method: 'get',
      path: '/v1/groups/:group/sealed-keys',
      summary: 'What is sealed to a group kept here, oldest first; the keys themselves are opened one by one',
      tag: 'client',
      authentication: 'device',
      query: after,
      response: { status: 200, description: 'One page', schema: sealedKeysPageSchema },
      errors: ['group_unknown', 'forbidden', 'device_not_endorsed', 'person_unknown', 'person_closed'],
      handle: async (request) => ({
        body: await sealedKeys.list(holderOf(request), request.params.group ?? '', request.query.after),
      }),
    }),
    defineRoute({
      method: 'post',
      path: SEALED_KEYS_PATH,
      summary: 'Keep a key that a partner’s person sealed to a recipient here',
      tag: 'federation',
      authentication: 'none',
      body: {
        schema: z.string().describe('A compact JWS of type sealed-key-deposit+jwt'),
        maxBytes: SEALED_KEY_DEPOSIT_BYTES,
        mediaType: 'application/sealed-key-deposit+jwt',
      },
      response: {
        status: 200,
        description: 'The signed receipt',
        mediaType: 'application/sealed-key-receipt+jwt',
      },
      errors: [
        ...(['partner_unknown', 'partner_suspended', 'replayed', 'jws_audience', 'jws_signature'] as const),
        ...(['group_unknown', 'group_ended', 'person_unknown', 'person_closed', 'conflict'] as const),
        ...(['sealed_key_mismatch', 'recrypt_input_invalid', 'claims_invalid', 'forbidden'] as const),
      ],
      handle: async ({ body, context }) => ({
        text: await sealedKeys.answerPartner(body, context),
        mediaType: 'application/sealed-key-receipt+jwt',
      }),
    }),
  ];
}
