import { sinkInputSchema, sinkPatchSchema } from '../../events/sinks/sink-input.ts';
import type { Sinks } from '../../events/sinks/sinks.ts';
import { JSON_BODY_BYTES } from '../../lib/limits.ts';
import type { Decide } from '../../policy/decision.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import type { Route } from '../route.ts';
import { sinkCopyRoute } from './admin-sink-copy.ts';
import { sinkDeliveryRoutes } from './admin-sink-delivery.ts';
import { sinkKindsSchema, sinkSchema, sinksSchema, testedSinkSchema } from './admin-sink-schemas.ts';

export interface SinkRoutesDeps {
  readonly sinks: Sinks;
  readonly decide: Decide;
}

const PATH = '/admin/v1/sinks';
const found = { status: 200, description: 'The sink', schema: sinkSchema };

/** Where the security events go: SIEMs, files, webhooks. */
export function adminSinkRoutes(deps: SinkRoutesDeps): Route[] {
  return [
    ...readingRoutes(deps),
    sinkCopyRoute(deps, `${PATH}/:sink/copy`),
    ...configuringRoutes(deps),
    ...sinkDeliveryRoutes(deps, PATH),
  ];
}

function readingRoutes({ sinks, decide }: SinkRoutesDeps): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-sinks',
      path: '/admin/v1/sink-kinds',
      summary: 'The kinds of sinks that there are, with the JSON Schema of their settings',
      response: { status: 200, description: 'The kinds', schema: sinkKindsSchema },
      errors: [],
      handle: async () => ({ body: { kinds: sinks.kinds() } }),
    }),
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-sinks',
      path: PATH,
      summary: 'The sinks and how they stand, by name',
      response: { status: 200, description: 'The sinks', schema: sinksSchema },
      errors: [],
      handle: async () => ({ body: { sinks: await sinks.list() } }),
    }),
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-sinks',
      path: `${PATH}/:sink`,
      summary: 'One sink, by its id or its name',
      response: found,
      errors: ['sink_unknown'],
      handle: async ({ params }) => ({ body: await sinks.get(params.sink ?? '') }),
    }),
  ];
}

function configuringRoutes({ sinks, decide }: SinkRoutesDeps): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-sinks',
      path: PATH,
      summary: 'Add a sink; it gets what happens from now on, or everything from the beginning',
      body: { schema: sinkInputSchema, maxBytes: JSON_BODY_BYTES },
      response: { ...found, status: 201 },
      errors: ['sink_name_taken', 'sink_limit'],
      handle: async ({ body, context }) => ({ body: await sinks.create(body, context) }),
    }),
    defineAdministratorRoute(decide, {
      method: 'patch',
      action: 'manage-sinks',
      path: `${PATH}/:sink`,
      summary:
        'Change a sink, pause it or let it go on; settings are replaced one by one, and null takes one away',
      body: { schema: sinkPatchSchema, maxBytes: JSON_BODY_BYTES },
      response: found,
      errors: ['sink_unknown', 'sink_name_taken'],
      handle: async ({ params, body, context }) => ({
        body: await sinks.change(params.sink ?? '', body, context),
      }),
    }),
    defineAdministratorRoute(decide, {
      method: 'delete',
      action: 'manage-sinks',
      path: `${PATH}/:sink`,
      summary: 'Remove a sink, with its dead letters and replays',
      response: { status: 204, description: 'It is removed' },
      errors: ['sink_unknown'],
      handle: async ({ params, context }) => {
        await sinks.remove(params.sink ?? '', context);
        return { body: null };
      },
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-sinks',
      path: `${PATH}/:sink/test`,
      summary: 'Send an event made for it; that the receiver refuses it is an answer, not an error',
      response: { status: 200, description: 'What became of it', schema: testedSinkSchema },
      errors: ['sink_unknown'],
      handle: async ({ params, context }) => ({ body: await sinks.test(params.sink ?? '', context) }),
    }),
  ];
}
