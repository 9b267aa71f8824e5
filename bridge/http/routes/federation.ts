import * as z from 'zod';
import {
  type DescribeEntity,
  ENTITY_CONFIGURATION_PATH,
  LOOK_UP_PATH,
} from '../../federation/entity-configuration.ts';
import type { LookUps } from '../../federation/look-ups.ts';
import { LOOKUP_REQUEST_BYTES } from '../../lib/limits.ts';
import type { Signer } from '../../signer/signer.ts';
import { defineRoute, type Route } from '../route.ts';

/** What other bridges, and anyone, read and ask here. A bridge authenticates by the request that it signed. */
export function federationRoutes(deps: {
  describeEntity: DescribeEntity;
  lookUps: Pick<LookUps, 'answerPartner'>;
  signer: Signer;
}): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: ENTITY_CONFIGURATION_PATH,
      summary: 'This bridge’s entity configuration (OpenID Federation 1.0)',
      tag: 'federation',
      authentication: 'none',
      response: {
        status: 200,
        description: 'The signed entity configuration',
        mediaType: 'application/entity-statement+jwt',
      },
      errors: [],
      handle: async () => ({
        text: await deps.describeEntity(),
        mediaType: 'application/entity-statement+jwt',
      }),
    }),
    defineRoute({
      method: 'get',
      path: '/.well-known/countersign/online-keys',
      summary: 'The keys that this bridge signs with, vouched for by its offline root',
      tag: 'federation',
      authentication: 'none',
      response: { status: 200, description: 'The online keys', mediaType: 'application/online-keys+jwt' },
      errors: [],
      handle: async () => ({ text: deps.signer.onlineKeysToken(), mediaType: 'application/online-keys+jwt' }),
    }),
    defineRoute({
      method: 'post',
      path: LOOK_UP_PATH,
      summary: 'Answer a partner’s signed look-up',
      tag: 'federation',
      authentication: 'none',
      body: {
        schema: z.string().describe('A compact JWS of type key-lookup-request+jwt'),
        maxBytes: LOOKUP_REQUEST_BYTES,
        mediaType: 'application/key-lookup-request+jwt',
      },
      response: {
        status: 200,
        description: 'The signed response',
        mediaType: 'application/key-lookup-response+jwt',
      },
      errors: [
        'partner_unknown',
        'partner_suspended',
        'forbidden',
        'replayed',
        'jws_audience',
        'jws_signature',
      ],
      handle: async ({ body, context }) => ({
        text: await deps.lookUps.answerPartner(body, context),
        mediaType: 'application/key-lookup-response+jwt',
      }),
    }),
  ];
}
