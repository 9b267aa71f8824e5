import * as z from 'zod';
import { JSON_BODY_BYTES, PAGE_ROWS, PAGE_ROWS_DEFAULT } from '../../lib/limits.ts';
import { ACTIONS, type Decide } from '../../policy/decision.ts';
import { asDecisionRequest, decisionRequestSchema } from '../../policy/decision-request-schema.ts';
import type { DecisionRecorder } from '../../policy/decisions/decision-recorder.ts';
import type { Explanations } from '../../policy/decisions/explanation.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import type { Route } from '../route.ts';

interface Deps {
  readonly explanations: Explanations;
  readonly decisions: Pick<DecisionRecorder, 'leftOut'>;
  readonly decide: Decide;
}

const PATH = '/admin/v1/decisions';

const policySchema = z.strictObject({
  id: z.string(),
  effect: z.enum(['permit', 'forbid']),
  reason: z.string(),
  file: z.string(),
  line: z.int(),
  text: z.string(),
});
const entitySchema = z.looseObject({ uid: z.unknown(), attrs: z.unknown() }).nullable();
const effect = z.enum(['allow', 'deny']);
const explanationSchema = z.strictObject({
  request: z.unknown().describe('What was asked: action, principal, resource, context'),
  seen: z
    .strictObject({ principal: entitySchema, resource: entitySchema, context: z.unknown() })
    .describe('The same as the policies saw it'),
  effect,
  policy: z.string().describe('The policy that decided, `no-permit` or `engine-failed`'),
  reason: z.string(),
  deciding: z.array(policySchema),
  nearest: z.array(policySchema).describe('Of `no-permit`: what came nearest to allowing it'),
  hash: z.string(),
  inForce: z.boolean().describe('Whether the policy of this hash is in force now'),
});
const recordedSchema = explanationSchema.extend({
  id: z.string(),
  decided: z.int().describe('Milliseconds'),
  times: z.int(),
});
const listSchema = z.strictObject({
  decisions: z.array(
    z.strictObject({
      id: z.string(),
      decided: z.int().describe('Milliseconds'),
      action: z.enum(ACTIONS),
      effect,
      policy: z.string(),
      reason: z.string(),
      principal: z.strictObject({ kind: z.string(), id: z.string() }),
      resource: z.strictObject({ kind: z.string(), id: z.string() }),
      times: z.int().describe('How often within the second'),
    }),
  ),
  next: z.string().nullable().describe('Give it as `before` for the next page; null on the last'),
  leftOut: z.int().describe('Decisions of this process since its start of which no record is kept'),
});
const querySchema = z.strictObject({
  effect: effect.optional(),
  action: z.enum(ACTIONS).optional(),
  principal: z.string().max(512).optional(),
  before: z.string().max(64).optional(),
  limit: z
    .string()
    .regex(/^\d{1,4}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(1).max(PAGE_ROWS))
    .default(PAGE_ROWS_DEFAULT),
});

/** What was decided lately and why, and what would be decided. */
export function adminDecisionRoutes({ explanations, decisions, decide }: Deps): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'explain-decision',
      path: PATH,
      summary: 'What was decided lately, the newest first',
      query: querySchema,
      response: { status: 200, description: 'A page', schema: listSchema },
      errors: ['malformed_request'],
      handle: async ({ query }) => {
        const found = await explanations.list(query);
        const next = found.length === query.limit ? (found.at(-1)?.id ?? null) : null;
        return { body: { decisions: found, next, leftOut: decisions.leftOut } };
      },
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      // Who asks gives all the facts: it tells what the policy says, and nothing of what anybody did.
      action: 'read-policy',
      path: `${PATH}/explain`,
      summary: 'What would be decided under the policy in force, and why; nothing is recorded of it',
      body: { schema: decisionRequestSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 200, description: 'The decision and its reasons', schema: explanationSchema },
      errors: ['policy_unavailable'],
      handle: async ({ body }) => ({ body: explanations.ofQuestion(asDecisionRequest(body)) }),
    }),
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'explain-decision',
      path: `${PATH}/:decision`,
      summary: 'One decision: what was asked, what the policies saw, and which of them decided',
      response: { status: 200, description: 'The decision and its reasons', schema: recordedSchema },
      errors: ['decision_unknown'],
      handle: async ({ params }) => ({ body: await explanations.ofDecision(params.decision ?? '') }),
    }),
  ];
}
