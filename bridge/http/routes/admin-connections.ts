import * as z from 'zod';
import type { ErrorCode } from '../../../protocol/errors.ts';
import { type Connections, connectionChangeSchema, newConnectionSchema } from '../../identity/connection.ts';
import { JSON_BODY_BYTES, METADATA_BYTES, REASON_LENGTH } from '../../lib/limits.ts';
import type { Decide } from '../../policy/decision.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import type { Route } from '../route.ts';

const connectionSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  protocol: z.enum(['oidc', 'saml']),
  assurance: z.enum(['member', 'guest', 'room']),
  status: z.enum(['draft', 'tested', 'active', 'disabled']),
  settings: z.record(z.string(), z.unknown()).describe('Without secrets'),
  domains: z.array(z.string()),
  ours: z
    .union([
      z.strictObject({ redirectUri: z.string() }),
      z.strictObject({ entityId: z.string(), acsUrl: z.string(), metadataUrl: z.string() }),
    ])
    .describe('What the administrator of the IdP must be told'),
  hasSecret: z.boolean(),
  tested: z.int().nullable(),
  created: z.int(),
  changed: z.int(),
});
const testedSchema = z.strictObject({
  connection: connectionSchema,
  probe: z.strictObject({
    issuer: z.string(),
    keys: z.array(z.strictObject({ id: z.string(), expires: z.int().nullable() })),
  }),
});
const listSchema = z.strictObject({ connections: z.array(connectionSchema) });
const disablingSchema = z.strictObject({ reason: z.string().trim().min(1).max(REASON_LENGTH).optional() });

/** Settings may hold an IdP's metadata as text; JSON escapes make it longer. */
const SETTINGS_BYTES = 2 * METADATA_BYTES;

const PROBE_ERRORS: readonly ErrorCode[] = [
  ...(['upstream_unreachable', 'upstream_invalid', 'oidc_discovery', 'oidc_keys', 'saml_metadata'] as const),
  ...(['saml_certificate', 'outbound_refused', 'outbound_failed', 'outbound_timeout'] as const),
];

interface Deps {
  readonly connections: Connections;
  readonly decide: Decide;
}

const found = { status: 200, description: 'The connection', schema: connectionSchema };

/** The configured IdPs: `draft → tested → active → disabled`. */
export function adminConnectionRoutes(deps: Deps): Route[] {
  return [...configuringRoutes(deps), ...lifeRoutes(deps)];
}

function configuringRoutes({ connections, decide }: Deps): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-administration',
      path: '/admin/v1/connections',
      summary: 'The connections to IdPs',
      response: { status: 200, description: 'The connections', schema: listSchema },
      errors: [],
      handle: async () => ({ body: { connections: await connections.list() } }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-connections',
      path: '/admin/v1/connections',
      summary: 'Configure a connection; it starts as a draft',
      body: { schema: newConnectionSchema, maxBytes: SETTINGS_BYTES },
      response: { ...found, status: 201 },
      errors: ['conflict', 'domain_unknown'],
      handle: async ({ body, context }) => ({ body: await connections.create(body, context) }),
    }),
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-administration',
      path: '/admin/v1/connections/:connection',
      summary: 'One connection',
      response: found,
      errors: ['connection_unknown'],
      handle: async ({ params }) => ({ body: await connections.get(params.connection ?? '') }),
    }),
    defineAdministratorRoute(decide, {
      method: 'patch',
      action: 'manage-connections',
      path: '/admin/v1/connections/:connection',
      summary: 'Change a connection; other settings than the tested ones make it a draft again',
      body: { schema: connectionChangeSchema, maxBytes: SETTINGS_BYTES },
      response: found,
      errors: ['connection_unknown', 'conflict'],
      handle: async ({ params, body, context }) => ({
        body: await connections.change(params.connection ?? '', body, context),
      }),
    }),
    defineAdministratorRoute(decide, {
      method: 'delete',
      action: 'manage-connections',
      path: '/admin/v1/connections/:connection',
      summary: 'Remove a connection that nobody is known through',
      response: { status: 204, description: 'It is removed' },
      errors: ['connection_unknown', 'conflict'],
      handle: async ({ params, context }) => {
        await connections.remove(params.connection ?? '', context);
        return { body: null };
      },
    }),
  ];
}

function lifeRoutes({ connections, decide }: Deps): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-connections',
      path: '/admin/v1/connections/:connection/test',
      summary: 'Ask the IdP for what it publishes; if that can be used, these settings count as tested',
      response: { status: 200, description: 'What the IdP publishes', schema: testedSchema },
      errors: ['connection_unknown', 'conflict', ...PROBE_ERRORS],
      handle: async ({ params, context }) => ({
        body: await connections.test(params.connection ?? '', context),
      }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-connections',
      path: '/admin/v1/connections/:connection/activate',
      summary: 'Let people sign in through it, if exactly these settings passed a test',
      response: found,
      errors: ['connection_unknown', 'connection_untested', 'conflict'],
      handle: async ({ params, context }) => ({
        body: await connections.activate(params.connection ?? '', context),
      }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-connections',
      path: '/admin/v1/connections/:connection/disable',
      summary: 'Let nobody sign in through it any more',
      body: { schema: disablingSchema, maxBytes: JSON_BODY_BYTES },
      response: found,
      errors: ['connection_unknown', 'conflict'],
      handle: async ({ params, body, context }) => ({
        body: await connections.disable(params.connection ?? '', body.reason, context),
      }),
    }),
  ];
}
