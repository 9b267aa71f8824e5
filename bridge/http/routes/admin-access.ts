import * as z from 'zod';
import { type Administrators, bootstrapSchema, newTokenSchema } from '../../identity/administrators.ts';
import { JSON_BODY_BYTES } from '../../lib/limits.ts';
import type { Decide } from '../../policy/decision.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import { defineRoute, type Route } from '../route.ts';

const tokenSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  created: z.int(),
  expires: z.int(),
  roles: z.array(z.string()),
});
const issuedSchema = tokenSchema.extend({ token: z.string().describe('Told this once') });

/** Who may administer: the one-time link that makes the first token, and the tokens. */
export function adminAccessRoutes(deps: { administrators: Administrators; decide: Decide }): Route[] {
  const { administrators, decide } = deps;
  return [
    defineRoute({
      method: 'post',
      path: '/admin/v1/bootstrap',
      summary: 'Turn a one-time link into an administrator’s token',
      tag: 'administration',
      authentication: 'none',
      body: { schema: bootstrapSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 201, description: 'The token', schema: issuedSchema },
      errors: ['bootstrap_invalid'],
      handle: async ({ body, context }) => ({ body: await administrators.bootstrap(body, context) }),
    }),
    defineRoute({
      method: 'get',
      path: '/admin/bootstrap',
      summary: 'What to do with a one-time link, for whoever opens it in a browser',
      tag: 'administration',
      authentication: 'none',
      response: { status: 200, description: 'In words', mediaType: 'text/plain' },
      errors: [],
      handle: async () => ({
        text: "This link is for the command line: countersign admin claim 'LINK'\n",
        mediaType: 'text/plain; charset=utf-8',
      }),
    }),
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-administration',
      path: '/admin/v1/tokens',
      summary: 'The administrators’ tokens in force',
      response: {
        status: 200,
        description: 'The tokens, without their secrets',
        schema: z.strictObject({ tokens: z.array(tokenSchema) }),
      },
      errors: [],
      handle: async () => ({ body: { tokens: await administrators.list() } }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-access',
      path: '/admin/v1/tokens',
      summary: 'Make another token, for a colleague or a machine',
      body: { schema: newTokenSchema, maxBytes: JSON_BODY_BYTES },
      facts: ({ body, administrator }) => ({ tokenRoles: body.roles ?? administrator?.roles ?? [] }),
      response: { status: 201, description: 'The token', schema: issuedSchema },
      errors: [],
      handle: async ({ body, context }) => ({ body: await administrators.create(body, context) }),
    }),
    defineAdministratorRoute(decide, {
      method: 'delete',
      action: 'manage-access',
      path: '/admin/v1/tokens/:token',
      summary: 'Revoke a token by its id',
      facts: async ({ params }) => {
        const tokenRoles = await administrators.rolesOf(params.token ?? '');
        return tokenRoles === undefined ? {} : { tokenRoles };
      },
      response: { status: 204, description: 'It is of no use any more' },
      errors: ['token_unknown'],
      handle: async ({ params, context }) => {
        await administrators.revoke(params.token ?? '', context);
        return { body: null };
      },
    }),
  ];
}
