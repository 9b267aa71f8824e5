import * as z from 'zod';
import { JSON_BODY_BYTES } from '../../lib/limits.ts';
import type { Decide } from '../../policy/decision.ts';
import { newReceiverSchema, receiverChangeSchema, tokenChangeSchema } from '../../signals/receiver.ts';
import type { SentSignals } from '../../signals/sent-signals.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import type { Route } from '../route.ts';

const receiver = {
  id: z.string(),
  name: z.string(),
  audience: z.string(),
  subject_format: z.enum(['email', 'iss_sub']),
  domains: z.array(z.string()).nullable().describe('null: people of all domains'),
  endpoint_host: z
    .string()
    .nullable()
    .describe('The one host that it is pushed to; null: any that is public'),
  held: z
    .enum(['paused', 'disabled'])
    .nullable()
    .describe('What an administrator has its stream be; null: it decides'),
  token_expires: z.int().describe('When its token ends'),
  former_token_expires: z.int().nullable().describe('When the token before ends, while that is valid too'),
  created: z.int(),
};
const issuedSchema = z.strictObject({ ...receiver, token: z.string().describe('Shown this once') });

const deliverySchema = z.strictObject({
  waiting: z.int(),
  sent: z.int(),
  given_up: z.int(),
  failures: z.int().describe('In a row'),
  last_success: z.int().nullable(),
  last_error: z.strictObject({ time: z.int(), code: z.string(), detail: z.string() }).nullable(),
});

const statusSchema = z.enum(['enabled', 'paused', 'disabled']);

const viewSchema = z.strictObject({
  ...receiver,
  stream: z
    .strictObject({
      stream_id: z.string(),
      status: statusSchema,
      reason: z.string().nullable(),
      method: z.enum(['push', 'poll']),
      pushed_to: z.string().nullable().describe('The host; null: it polls'),
      events_delivered: z.array(z.string()),
      created: z.int(),
    })
    .nullable(),
  delivery: deliverySchema,
});

const partnerSchema = z.strictObject({
  partner: z.string(),
  knows: z.int().describe('Addresses and people that it is told of'),
  delivery: deliverySchema,
});

const PATH = '/admin/v1/signals';
const ONE = `${PATH}/receivers/:receiver`;

export interface AdminSignalsDeps {
  readonly sentSignals: Pick<SentSignals, 'receivers' | 'tokens' | 'streams'>;
  readonly decide: Decide;
}

/** Who is told of revocations by signals, and how that stands. */
export function adminSignalRoutes(deps: AdminSignalsDeps): Route[] {
  return [...readingRoutes(deps), ...registeringRoutes(deps), ...changingRoutes(deps), ...streamRoutes(deps)];
}

function readingRoutes({ sentSignals: { receivers }, decide }: AdminSignalsDeps): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-signals',
      path: `${PATH}/receivers`,
      summary: 'The receivers of signals, with their streams',
      response: {
        status: 200,
        description: 'The receivers',
        schema: z.strictObject({ receivers: z.array(viewSchema) }),
      },
      errors: [],
      handle: async () => ({ body: { receivers: await receivers.list() } }),
    }),
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-signals',
      path: ONE,
      summary: 'A receiver of signals, with its stream',
      response: { status: 200, description: 'The receiver', schema: viewSchema },
      errors: ['receiver_unknown'],
      handle: async ({ params }) => ({ body: await receivers.get(params.receiver ?? '') }),
    }),
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-signals',
      path: `${PATH}/partners`,
      summary: 'How partners are told of people whom they looked up or met',
      response: {
        status: 200,
        description: 'The partners',
        schema: z.strictObject({ partners: z.array(partnerSchema) }),
      },
      errors: [],
      handle: async () => ({ body: { partners: await receivers.partners() } }),
    }),
  ];
}

function registeringRoutes({ sentSignals: { receivers }, decide }: AdminSignalsDeps): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-signals',
      path: `${PATH}/receivers`,
      summary: 'Register a receiver of signals; its bearer token is answered this once',
      body: { schema: newReceiverSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 201, description: 'The receiver', schema: issuedSchema },
      errors: ['domain_unknown', 'rate_limited'],
      handle: async ({ body, context }) => ({ body: await receivers.register(body, context) }),
    }),
    defineAdministratorRoute(decide, {
      method: 'delete',
      action: 'manage-signals',
      path: ONE,
      summary: 'Remove a receiver, with its stream and what waits for it',
      response: { status: 204, description: 'It is removed' },
      errors: ['receiver_unknown'],
      handle: async ({ params, context }) => {
        await receivers.remove(params.receiver ?? '', context);
        return { body: null };
      },
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-signals',
      path: `${PATH}/keys`,
      summary: 'Sign signals to receivers with another key; those before stay published',
      response: { status: 201, description: 'Its id', schema: z.strictObject({ kid: z.string() }) },
      errors: [],
      handle: async ({ context }) => ({ body: { kid: await receivers.rotateKey(context) } }),
    }),
  ];
}

function changingRoutes({ sentSignals: { receivers, tokens }, decide }: AdminSignalsDeps): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'patch',
      action: 'manage-signals',
      path: ONE,
      summary: 'Change the host that a receiver’s stream may be pushed to; one that is elsewhere is paused',
      body: { schema: receiverChangeSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 200, description: 'The receiver', schema: viewSchema },
      errors: ['receiver_unknown'],
      handle: async ({ params, body, context }) => ({
        body: await receivers.change(params.receiver ?? '', body, context),
      }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-signals',
      path: `${ONE}/token`,
      summary: 'Give a receiver another token; the one before is void at once, or after an overlap',
      body: { schema: tokenChangeSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 201, description: 'The receiver', schema: issuedSchema },
      errors: ['receiver_unknown'],
      handle: async ({ params, body, context }) => ({
        body: await tokens.replace(params.receiver ?? '', body, context),
      }),
    }),
  ];
}

function streamRoutes({ sentSignals: { receivers, streams }, decide }: AdminSignalsDeps): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-signals',
      path: `${ONE}/status`,
      summary:
        'Pause, enable or disable the stream of a receiver, which cannot undo it; disabling forgets what waits',
      body: {
        schema: z.strictObject({ status: statusSchema, reason: z.string().max(500).optional() }),
        maxBytes: JSON_BODY_BYTES,
      },
      response: { status: 200, description: 'The receiver', schema: viewSchema },
      errors: ['receiver_unknown', 'stream_unknown'],
      handle: async ({ params, body, context }) => {
        const { id, stream } = await receivers.get(params.receiver ?? '');
        await streams.hold({ id }, { ...body, stream_id: stream?.stream_id ?? '' }, context);
        return { body: await receivers.get(id) };
      },
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-signals',
      path: `${ONE}/verification`,
      summary: 'Send a verification event to a receiver',
      response: { status: 202, description: 'It is on its way', schema: viewSchema },
      errors: ['receiver_unknown', 'stream_unknown', 'rate_limited'],
      handle: async ({ params }) => {
        const { id, stream } = await receivers.get(params.receiver ?? '');
        await streams.verify({ id }, stream?.stream_id ?? '', undefined);
        return { body: await receivers.get(id) };
      },
    }),
  ];
}
