import * as z from 'zod';
import { JSON_BODY_BYTES } from '../../lib/limits.ts';
import { type Apps, newAppSchema } from '../../oauth/app.ts';
import type { Decide } from '../../policy/decision.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import type { Route } from '../route.ts';

const appSchema = z.strictObject({
  id: z.string().describe('The client_id'),
  name: z.string(),
  kind: z.enum(['person', 'room']),
  redirectUris: z.array(z.string()),
  corsOrigins: z.array(z.string()),
  created: z.int(),
});

/** The client apps that people may sign in to. */
export function adminAppRoutes({ apps, decide }: { apps: Apps; decide: Decide }): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-administration',
      path: '/admin/v1/apps',
      summary: 'The client apps',
      response: {
        status: 200,
        description: 'The apps',
        schema: z.strictObject({ apps: z.array(appSchema) }),
      },
      errors: [],
      handle: async () => ({ body: { apps: await apps.list() } }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-apps',
      path: '/admin/v1/apps',
      summary: 'Register a client app with its redirect URIs and CORS origins',
      body: { schema: newAppSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 201, description: 'The app', schema: appSchema },
      errors: ['conflict'],
      handle: async ({ body, context }) => ({ body: await apps.register(body, context) }),
    }),
    defineAdministratorRoute(decide, {
      method: 'delete',
      action: 'manage-apps',
      path: '/admin/v1/apps/:app',
      summary: 'Remove a client app; its tokens end with it',
      response: { status: 204, description: 'It is removed' },
      errors: ['app_unknown'],
      handle: async ({ params, context }) => {
        await apps.remove(params.app ?? '', context);
        return { body: null };
      },
    }),
  ];
}
