import { lookUpBodySchema, publicLookUpBodySchema } from '../../../protocol/look-up.ts';
import type { LookUps } from '../../federation/look-ups.ts';
import { LOOKUP_BODY_BYTES, PUBLIC_LOOKUP_BODY_BYTES } from '../../lib/limits.ts';
import { defineRoute, holderOf, type Route } from '../route.ts';

/** Look-ups by the bridge's own people, and by the public where policy permits it. */
export function lookUpRoutes({ lookUps }: { lookUps: LookUps }): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: '/v1/lookups',
      summary: 'Look up the keys of addresses, of the own company and of partners',
      tag: 'client',
      authentication: 'device',
      body: { schema: lookUpBodySchema, maxBytes: LOOKUP_BODY_BYTES },
      response: {
        status: 200,
        description:
          'A signed response for this device and request; one result per address, in the order asked',
        mediaType: 'application/key-lookup-response+jwt',
      },
      errors: ['unavailable'],
      handle: async (request) => ({
        text: await lookUps.answerClient(holderOf(request), request.body, request.bodyBytes, request.context),
        mediaType: 'application/key-lookup-response+jwt',
      }),
    }),
    defineRoute({
      method: 'post',
      path: '/v1/public/lookups',
      summary: 'Look up the keys of addresses of the company without a sign-in, where policy permits it',
      tag: 'client',
      authentication: 'none',
      body: { schema: publicLookUpBodySchema, maxBytes: PUBLIC_LOOKUP_BODY_BYTES },
      response: {
        status: 200,
        description: 'A signed response for this request; one result per address, in the order asked',
        mediaType: 'application/key-lookup-response+jwt',
      },
      errors: ['forbidden'],
      handle: async ({ body, bodyBytes, context }) => ({
        text: await lookUps.answerPublic(body, bodyBytes, context),
        mediaType: 'application/key-lookup-response+jwt',
      }),
    }),
  ];
}
