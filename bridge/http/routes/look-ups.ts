import { lookUpBodySchema, publicLookUpBodySchema } from '../../../protocol/look-up.ts';
import type { LookUps } from '../../federation/look-ups.ts';
import { LOOKUP_BODY_BYTES, PUBLIC_LOOKUP_BODY_BYTES } from '../../lib/limits.ts';
import type { LentBytes } from '../../signer/lent-bytes.ts';
import { type ApiResponse, defineRoute, holderOf, type Route } from '../route.ts';

const MEDIA_TYPE = 'application/key-lookup-response+jwt';

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
        mediaType: MEDIA_TYPE,
      },
      errors: ['unavailable'],
      handle: async (request) =>
        sent(await lookUps.answerClient(holderOf(request), request.body, request.bodyBytes, request.context)),
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
        mediaType: MEDIA_TYPE,
      },
      errors: ['forbidden'],
      handle: async ({ body, bodyBytes, context }) =>
        sent(await lookUps.answerPublic(body, bodyBytes, context)),
    }),
  ];
}

function sent({ bytes, giveBack }: LentBytes): ApiResponse {
  return { text: bytes, mediaType: MEDIA_TYPE, onSent: giveBack };
}
