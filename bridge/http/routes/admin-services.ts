import * as z from 'zod';
import { JSON_BODY_BYTES } from '../../lib/limits.ts';
import type { Lifecycle } from '../../lifecycle/lifecycle.ts';
import {
  newServiceSchema,
  type Services,
  serviceAssuranceSchema,
  serviceKeysSchema,
} from '../../oauth/service.ts';
import type { Decide } from '../../policy/decision.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import type { Route } from '../route.ts';

const serviceSchema = z.strictObject({
  id: z.string().describe('The client_id'),
  sub: z.string(),
  name: z.string(),
  assurance: serviceAssuranceSchema,
  address: z.string(),
  status: z.enum(['active', 'closed']),
  created: z.int(),
});

/** Gateways, recorders and bots. */
export function adminServiceRoutes({
  services,
  lifecycle,
  decide,
}: {
  services: Services;
  lifecycle: Lifecycle;
  decide: Decide;
}): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-administration',
      path: '/admin/v1/services',
      summary: 'The gateways, recorders and bots',
      response: {
        status: 200,
        description: 'The services',
        schema: z.strictObject({ services: z.array(serviceSchema) }),
      },
      errors: [],
      handle: async () => ({ body: { services: await services.list() } }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-services',
      path: '/admin/v1/services',
      summary: 'Register a gateway, recorder or bot with its public keys; its assurance stays as it is',
      body: { schema: newServiceSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 201, description: 'The service', schema: serviceSchema },
      errors: ['key_invalid', 'address_invalid', 'address_taken', 'domain_unknown'],
      handle: async ({ body, context }) => ({ body: await services.register(body, context) }),
    }),
    defineAdministratorRoute(decide, {
      method: 'put',
      action: 'manage-services',
      path: '/admin/v1/services/:service/keys',
      summary: 'Replace the keys by which a service proves itself; its tokens end, its devices stay',
      body: { schema: serviceKeysSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 200, description: 'The service', schema: serviceSchema },
      errors: ['app_unknown', 'key_invalid'],
      handle: async ({ params, body, context }) => ({
        body: await services.replaceKeys(params.service ?? '', body, context),
      }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-services',
      path: '/admin/v1/services/:service/close',
      summary:
        'Close a service for good: keys, devices, tokens and the address are gone when this is answered',
      response: { status: 204, description: 'It is closed' },
      errors: ['app_unknown'],
      handle: async ({ params, context }) => {
        const { sub } = await services.get(params.service ?? '');
        await lifecycle.closePerson(sub, undefined, context);
        return { body: null };
      },
    }),
  ];
}
