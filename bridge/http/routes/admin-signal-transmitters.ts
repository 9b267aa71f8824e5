import * as z from 'zod';
import { JSON_BODY_BYTES } from '../../lib/limits.ts';
import type { Decide } from '../../policy/decision.ts';
import {
  effectsSchema,
  newTransmitterSchema,
  type Transmitter,
  transmitterChangeSchema,
  transmitterSearchSchema,
} from '../../signals/transmitter.ts';
import type { Transmitters } from '../../signals/transmitters.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import type { Route } from '../route.ts';

const transmitterSchema = z.strictObject({
  connection: z.string(),
  issuer: z.string(),
  jwks_uri: z.string(),
  audience: z.string(),
  subject_issuer: z.string().nullable(),
  effects: effectsSchema,
  created: z.int(),
  changed: z.int(),
  last_signal: z.int().nullable(),
  delivery_url: z.string().describe('Where it pushes (RFC 8935)'),
});

const issuedSchema = transmitterSchema.extend({ token: z.string().describe('Shown once') });

const foundSchema = z.strictObject({
  issuer: z.string(),
  jwks_uri: z.string(),
  source: z.enum(['ssf-configuration', 'openid-configuration']).describe('Where it was found'),
  push: z.boolean().nullable().describe('Whether it says that it can push; null: it does not say'),
});

const PATH = '/admin/v1/signals/transmitters';
const ONE = `${PATH}/:connection`;

/** Who sends signals about the people of a connection: the company's identity providers. */
export function adminSignalTransmitterRoutes({
  transmitters,
  decide,
}: {
  transmitters: Transmitters;
  decide: Decide;
}): Route[] {
  const shown = (transmitter: Transmitter) => ({
    ...transmitter,
    delivery_url: transmitters.deliveryUrl(transmitter.connection),
  });
  const one = { status: 200, description: 'The transmitter', schema: transmitterSchema };
  return [
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-signals',
      path: PATH,
      summary: 'The identity providers that send signals here',
      response: {
        status: 200,
        description: 'The transmitters',
        schema: z.strictObject({ transmitters: z.array(transmitterSchema) }),
      },
      errors: [],
      handle: async () => ({ body: { transmitters: (await transmitters.list()).map(shown) } }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-signals',
      path: PATH,
      summary: 'Let the identity provider of a connection send signals; its token is shown once',
      body: { schema: newTransmitterSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 201, description: 'The transmitter and its token', schema: issuedSchema },
      errors: ['connection_unknown', 'conflict', 'outbound_refused'],
      handle: async ({ body, context }) => {
        const { transmitter, token } = await transmitters.add(body, context);
        return { body: { ...shown(transmitter), token } };
      },
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-signals',
      path: `${PATH}/discovery`,
      summary: 'What an identity provider publishes of its signals, to be confirmed; nothing is changed',
      body: { schema: transmitterSearchSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 200, description: 'What was found', schema: foundSchema },
      errors: ['connection_unknown', 'outbound_refused', 'upstream_unreachable', 'upstream_invalid'],
      handle: async ({ body }) => ({ body: await transmitters.find(body) }),
    }),
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-signals',
      path: ONE,
      summary: 'The transmitter of a connection',
      response: one,
      errors: ['transmitter_unknown'],
      handle: async ({ params }) => ({ body: shown(await transmitters.get(params.connection ?? '')) }),
    }),
    defineAdministratorRoute(decide, {
      method: 'patch',
      action: 'manage-signals',
      path: ONE,
      summary: 'Change what a transmitter’s signals are taken from, or what they do',
      body: { schema: transmitterChangeSchema, maxBytes: JSON_BODY_BYTES },
      response: one,
      errors: ['transmitter_unknown', 'outbound_refused'],
      handle: async ({ params, body, context }) => ({
        body: shown(await transmitters.change(params.connection ?? '', body, context)),
      }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-signals',
      path: `${ONE}/token`,
      summary: 'Give a transmitter another token; the one before is void at once',
      response: { status: 200, description: 'The transmitter and its token', schema: issuedSchema },
      errors: ['transmitter_unknown'],
      handle: async ({ params, context }) => {
        const { transmitter, token } = await transmitters.replaceToken(params.connection ?? '', context);
        return { body: { ...shown(transmitter), token } };
      },
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-signals',
      path: `${ONE}/test`,
      summary: 'Fetch the keys of a transmitter',
      response: {
        status: 200,
        description: 'How many keys it publishes',
        schema: z.strictObject({ keys: z.int() }),
      },
      errors: ['transmitter_unknown', 'upstream_unreachable', 'upstream_invalid'],
      handle: async ({ params }) => ({ body: await transmitters.test(params.connection ?? '') }),
    }),
    defineAdministratorRoute(decide, {
      method: 'delete',
      action: 'manage-signals',
      path: ONE,
      summary: 'Take no signals of a connection’s identity provider any more',
      response: { status: 204, description: 'It is removed' },
      errors: ['transmitter_unknown'],
      handle: async ({ params, context }) => {
        await transmitters.remove(params.connection ?? '', context);
        return { body: null };
      },
    }),
  ];
}
