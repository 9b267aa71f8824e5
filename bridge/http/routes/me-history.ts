import { keyFindingSchema, keyHistoryQuerySchema, keyHistorySchema } from '../../../protocol/key-history.ts';
import type { KeyHistories } from '../../binding/key-history.ts';
import { JSON_BODY_BYTES } from '../../lib/limits.ts';
import { defineRoute, holderOf, type Route } from '../route.ts';

/** What a person watches over: the versions of their own keys, and where their client tells what is wrong. */
export function meHistoryRoutes({ keyHistories }: { keyHistories: KeyHistories }): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/v1/me/key-history',
      summary:
        'Every version of the person’s own address: when, why and by whom, with the newest’s log proof',
      tag: 'client',
      authentication: 'device',
      query: keyHistoryQuerySchema,
      response: { status: 200, description: 'Versions, oldest first', schema: keyHistorySchema },
      errors: ['forbidden', 'person_unknown', 'person_closed', 'no_address', 'address_invalid'],
      handle: async (request) => {
        const { address, from } = request.query;
        return { body: await keyHistories.read(holderOf(request), { address, from: Number(from ?? 0) }) };
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/me/key-findings',
      summary: 'Report what the person’s own client found wrong with their keys',
      tag: 'client',
      authentication: 'device',
      body: { schema: keyFindingSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 204, description: 'It is an event now' },
      errors: [
        'forbidden',
        'person_unknown',
        'person_closed',
        'no_address',
        'address_invalid',
        'rate_limited',
      ],
      handle: async (request) => {
        await keyHistories.report(holderOf(request), request.body, request.context);
        return { status: 204, body: undefined };
      },
    }),
  ];
}
