import * as z from 'zod';
import { parseAddress } from '../../../protocol/address.ts';
import { assurance } from '../../../protocol/claims.ts';
import { JSON_BODY_BYTES, PAGE_ROWS, PAGE_ROWS_DEFAULT, REASON_LENGTH } from '../../lib/limits.ts';
import type { Lifecycle } from '../../lifecycle/lifecycle.ts';
import type { PersonOverviews } from '../../lifecycle/person-overview.ts';
import type { Decide } from '../../policy/decision.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import type { Route } from '../route.ts';

const summarySchema = z.strictObject({
  sub: z.string(),
  status: z.enum(['active', 'closed']),
  name: z.string().nullable(),
  assurance,
  created: z.int(),
  addresses: z.array(z.string()),
});
const overviewSchema = summarySchema.extend({
  statements: z.array(
    z.strictObject({
      address: z.string(),
      version: z.int(),
      keyVersion: z.int(),
      status: z.enum(['active', 'revoked']),
      since: z.int(),
    }),
  ),
  devices: z.array(z.strictObject({ id: z.string(), label: z.string(), added: z.int(), lastSeen: z.int() })),
});
const receiptSchema = z
  .string()
  .nullable()
  .describe('A signed revocation-receipt+jwt; null where nothing was done');
const restrictionSchema = z.strictObject({
  sub: z.string(),
  status: z.enum(['active', 'closed']),
  revoked: z.array(z.strictObject({ address: z.string(), version: z.int() })),
  devices: z.int(),
  tokens: z.int(),
  groups: z.int(),
  orphaned: z
    .array(z.string())
    .describe('Durable groups of which they were the last admin: nobody can manage them any more'),
  receipt: receiptSchema,
});
const reopenedSchema = z.strictObject({ sub: z.string(), status: z.literal('active') });
const erasureSchema = z.strictObject({
  sub: z.string(),
  addresses: z.array(
    z.strictObject({
      address: z.string(),
      versions: z.int().describe('How many versions of its key statement lost their content'),
    }),
  ),
});
const listSchema = z.strictObject({
  persons: z.array(summarySchema),
  next: z.string().nullable().describe('Give it as `after` for the next page; null on the last'),
});
const querySchema = z.strictObject({
  after: z.string().max(64).optional(),
  limit: z
    .string()
    .regex(/^\d{1,4}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(1).max(PAGE_ROWS))
    .default(PAGE_ROWS_DEFAULT),
  address: z.string().max(254).optional(),
});
const reasonSchema = z.strictObject({ reason: z.string().trim().min(1).max(REASON_LENGTH).optional() });

interface Deps {
  readonly lifecycle: Lifecycle;
  readonly personOverviews: PersonOverviews;
  readonly decide: Decide;
}

/** People: what stands there about them, and what takes their keys away. */
export function adminPersonRoutes(deps: Deps): Route[] {
  return [...readingRoutes(deps), ...restrictingRoutes(deps), erasingRoute(deps)];
}

function readingRoutes({ personOverviews, decide }: Deps): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-persons',
      path: '/admin/v1/persons',
      summary: 'People in pages, or who holds one address',
      query: querySchema,
      response: { status: 200, description: 'A page', schema: listSchema },
      errors: ['malformed_request', 'address_invalid'],
      handle: async ({ query }) => {
        const address = query.address === undefined ? undefined : parseAddress(query.address).address;
        const persons = await personOverviews.list({ ...query, address });
        const full = address === undefined && persons.length === query.limit;
        return { body: { persons, next: full ? (persons.at(-1)?.sub ?? null) : null } };
      },
    }),
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-persons',
      path: '/admin/v1/persons/:sub',
      summary: 'One person with statements and devices',
      response: { status: 200, description: 'The person', schema: overviewSchema },
      errors: ['person_unknown'],
      handle: async ({ params }) => ({ body: await personOverviews.get(params.sub ?? '') }),
    }),
  ];
}

function restrictingRoutes({ lifecycle, decide }: Deps): Route[] {
  const body = { schema: reasonSchema, maxBytes: JSON_BODY_BYTES };
  const response = { status: 200, description: 'What was taken away', schema: restrictionSchema };
  return [
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-persons',
      path: '/admin/v1/persons/:sub/close',
      summary: 'Close a person: keys, devices, tokens and addresses are gone for good when this is answered',
      body,
      response,
      errors: ['person_unknown'],
      handle: async ({ params, body: { reason }, context }) => ({
        body: await lifecycle.closePerson(params.sub ?? '', reason, context),
      }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-persons',
      path: '/admin/v1/persons/:sub/reset',
      summary: 'Void a person’s keys, so that they enrol anew; everyone who pinned the old ones sees it',
      body,
      response,
      errors: ['person_unknown', 'person_closed'],
      handle: async ({ params, body: { reason }, context }) => ({
        body: await lifecycle.resetPerson(params.sub ?? '', reason, context),
      }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-persons',
      path: '/admin/v1/persons/:sub/reopen',
      summary: 'Let a closed person sign in again: addresses come by that sign-in, keys are enrolled anew',
      body,
      response: { status: 200, description: 'The person can sign in', schema: reopenedSchema },
      errors: ['person_unknown'],
      handle: async ({ params, body: { reason }, context }) => ({
        body: await lifecycle.reopenPerson(params.sub ?? '', reason, context),
      }),
    }),
    defineAdministratorRoute(decide, {
      method: 'delete',
      action: 'manage-persons',
      path: '/admin/v1/persons/:sub/devices/:device',
      summary: 'Remove a device of a person',
      response: {
        status: 200,
        description: 'It is removed',
        schema: z.strictObject({ receipt: receiptSchema }),
      },
      errors: ['device_unknown'],
      handle: async ({ params, context }) => ({
        body: await lifecycle.removeDevice({ sub: params.sub ?? '', deviceId: params.device ?? '' }, context),
      }),
    }),
  ];
}

function erasingRoute({ lifecycle, decide }: Deps): Route {
  return defineAdministratorRoute(decide, {
    method: 'post',
    action: 'erase-person',
    path: '/admin/v1/persons/:sub/erase',
    summary: 'Erase a closed person: all that stands about them, but for the events, is gone for good',
    body: { schema: reasonSchema, maxBytes: JSON_BODY_BYTES },
    response: { status: 200, description: 'What was erased', schema: erasureSchema },
    errors: ['person_unknown', 'person_active', 'person_in_groups'],
    handle: async ({ params, body: { reason }, context }) => ({
      body: await lifecycle.erasePerson(params.sub ?? '', reason, context),
    }),
  });
}
