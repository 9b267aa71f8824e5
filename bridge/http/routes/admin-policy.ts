import * as z from 'zod';
import { policyContentSchema } from '../../../protocol/policy-bundle.ts';
import { JSON_BODY_BYTES, NOTE_LENGTH, POLICY_BODY_BYTES } from '../../lib/limits.ts';
import type { TryPolicy } from '../../lifecycle/policy-dry-run.ts';
import type { PolicyChanges } from '../../policy/changes/policy-changes.ts';
import type { AdministratorAction, Decide, DecisionRequest } from '../../policy/decision.ts';
import type { PolicyHistory } from '../../policy/versions/policy-history.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import { type Administrator, type ApiRequest, defineRoute, type Route } from '../route.ts';
import {
  activatedSchema,
  draftSchema,
  draftSummarySchema,
  dryRunSchema,
  policySchema,
} from './admin-policy-schemas.ts';

interface Deps {
  readonly policyHistory: PolicyHistory;
  readonly policyChanges: PolicyChanges;
  readonly tryPolicy: TryPolicy;
  readonly decide: Decide;
}

const PATH = '/admin/v1/policy';
const DRAFTS = `${PATH}/drafts`;
const note = z.string().trim().max(NOTE_LENGTH);
const version = z
  .string()
  .regex(/^\d{1,9}$/, 'must be a whole number')
  .transform(Number);

/** The rules that everything is decided by: reading them, and changing them in steps that others can stop. */
export function adminPolicyRoutes(deps: Deps): Route[] {
  return [...readingRoutes(deps), ...draftingRoutes(deps), ...decidingRoutes(deps)];
}

function readingRoutes({ policyHistory, policyChanges, decide }: Deps): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-policy',
      path: PATH,
      summary:
        'The policy in force, or that of an earlier version, with its files; and which versions there were',
      query: z.strictObject({ version: version.optional() }),
      response: { status: 200, description: 'The policy', schema: policySchema },
      errors: ['malformed_request', 'policy_unknown', 'policy_unavailable'],
      handle: async ({ query }) => ({ body: await policyHistory.describe(query.version) }),
    }),
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-policy',
      path: DRAFTS,
      summary: 'The drafts of the last 30 days, the newest first',
      response: {
        status: 200,
        description: 'The drafts, without their files',
        schema: z.strictObject({ drafts: z.array(draftSummarySchema) }),
      },
      errors: [],
      handle: async () => ({ body: { drafts: await policyChanges.list() } }),
    }),
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-policy',
      path: `${DRAFTS}/:draft`,
      summary: 'One draft, with its files and what it changes line by line',
      response: { status: 200, description: 'The draft', schema: draftSchema },
      errors: ['policy_draft_unknown'],
      handle: async ({ params }) => ({ body: await policyChanges.get(params.draft ?? '') }),
    }),
  ];
}

function draftingRoutes({ policyChanges, tryPolicy, decide }: Deps): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'draft-policy',
      path: DRAFTS,
      summary: 'Make a draft of the next policy; nothing changes by that',
      body: {
        schema: z.strictObject({ content: policyContentSchema, note: note.default('') }),
        maxBytes: POLICY_BODY_BYTES,
      },
      response: { status: 201, description: 'The draft', schema: draftSchema },
      errors: ['policy_invalid', 'policy_unavailable', 'conflict'],
      handle: async (request) => ({
        body: await policyChanges.draft(request.body, acting(request), request.context),
      }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'read-policy',
      path: `${DRAFTS}/:draft/dry-run`,
      summary:
        'Who and what would gain or lose access if the draft came into force now; nothing changes by that',
      response: { status: 200, description: 'What would change', schema: dryRunSchema },
      errors: ['policy_draft_unknown', 'policy_invalid'],
      handle: async (request) => {
        const { content } = await policyChanges.get(request.params.draft ?? '');
        return { body: await tryPolicy(content, { withExamples: maySeePeople(decide, acting(request)) }) };
      },
    }),
    defineAdministratorRoute(decide, {
      method: 'delete',
      action: 'draft-policy',
      path: `${DRAFTS}/:draft`,
      summary: 'Discard a draft',
      response: { status: 204, description: 'It cannot come into force any more' },
      errors: ['policy_draft_unknown', 'policy_draft_closed'],
      handle: async ({ params, context }) => {
        await policyChanges.discard(params.draft ?? '', context);
        return { body: null };
      },
    }),
  ];
}

/** People are personal data: who may read the policy need not see whom it would concern. */
function maySeePeople(decide: Decide, { id, roles }: Administrator): boolean {
  const request: DecisionRequest = {
    action: 'read-persons',
    principal: { kind: 'administrator', id, roles },
    resource: { kind: 'bridge', id: 'bridge' },
    context: {},
  };
  return decide(request).effect === 'allow';
}

/** What is asked of policy here depends on the draft: `PolicyChanges` asks it, with all that it read in one transaction. */
function decidingRoutes({ policyChanges }: Deps): Route[] {
  const response = { status: 200, description: 'It is in force', schema: activatedSchema };
  return [
    changeRoute({
      method: 'post',
      action: 'approve-policy',
      path: `${DRAFTS}/:draft/approve`,
      summary: 'Approve a draft that another administrator made',
      response: { status: 200, description: 'The draft', schema: draftSchema },
      errors: ['policy_draft_unknown', 'policy_draft_closed', 'policy_draft_outdated'],
      handle: async (request) => ({
        body: await policyChanges.approve(request.params.draft ?? '', acting(request), request.context),
      }),
    }),
    changeRoute({
      method: 'post',
      action: 'activate-policy',
      path: `${DRAFTS}/:draft/activate`,
      summary: 'Bring a draft into force, on every replica within a second',
      response,
      errors: [
        ...([
          'policy_draft_unknown',
          'policy_draft_closed',
          'policy_draft_outdated',
          'policy_approval',
        ] as const),
        ...(['policy_lock_out', 'policy_invalid', 'policy_bundle_invalid', 'conflict'] as const),
      ],
      handle: async (request) => ({
        body: await policyChanges.activate(request.params.draft ?? '', acting(request), request.context),
      }),
    }),
    changeRoute({
      method: 'post',
      action: 'activate-policy',
      path: `${PATH}/rollback`,
      summary:
        'Bring an earlier version back, as the next one; the one before needs no approval within a day',
      body: {
        schema: z.strictObject({ version: z.int().min(0), note: note.default('') }),
        maxBytes: JSON_BODY_BYTES,
      },
      response,
      errors: [
        ...(['policy_unknown', 'policy_unavailable', 'policy_approval', 'policy_lock_out'] as const),
        ...(['policy_invalid', 'policy_bundle_invalid', 'conflict'] as const),
      ],
      handle: async (request) => ({
        body: await policyChanges.rollBack(request.body, acting(request), request.context),
      }),
    }),
  ];
}

function changeRoute<Body, Query>(
  route: Omit<Route<Body, Query>, 'authentication' | 'tag'> & { readonly action: AdministratorAction },
): Route {
  return defineRoute<Body, Query>({ ...route, tag: 'administration', authentication: 'administrator' });
}

function acting({ administrator }: Pick<ApiRequest<unknown, unknown>, 'administrator'>): Administrator {
  if (administrator === null) throw new TypeError('an administrator route without one');
  return administrator;
}
