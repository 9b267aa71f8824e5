import { lookUpBodySchema } from '../../../protocol/look-up.ts';
import type { LookUps } from '../../federation/look-ups.ts';
import { LOOKUP_BODY_BYTES } from '../../lib/limits.ts';
import { defineRoute, holderOf, type Route } from '../route.ts';

/** Look-ups by the bridge's own people. */
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
  ];
}
