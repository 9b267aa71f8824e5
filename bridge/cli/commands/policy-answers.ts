import * as z from 'zod';
import { policyContentSchema } from '../../../protocol/policy-bundle.ts';

/** What the admin API answers about the policy. */
export const PATH = '/admin/v1/policy';
export const DRAFTS = `${PATH}/drafts`;
export const DECISIONS = '/admin/v1/decisions';

const who = z.object({ id: z.string(), name: z.string().nullable() });
const version = z.object({
  version: z.int(),
  hash: z.string(),
  activated: z.int(),
  by: who.nullable(),
  draft: z.string().nullable(),
});

export const policySchema = version.extend({
  inForce: z.boolean(),
  content: policyContentSchema,
  history: z.array(version),
});

export const summarySchema = z.object({
  id: z.string(),
  hash: z.string(),
  basedOn: z.int(),
  status: z.string(),
  note: z.string(),
  author: who,
  created: z.int(),
  approvals: z.array(z.object({ administrator: who, approved: z.int(), counts: z.boolean() })),
});
export const draftSchema = summarySchema.extend({ diff: z.string() });
export const draftsSchema = z.object({ drafts: z.array(summarySchema) });
export const activatedSchema = z.object({ version: z.int(), hash: z.string() });

const finding = z.object({
  action: z.string(),
  who: z.string(),
  gained: z.int(),
  lost: z.int(),
  examples: z.object({ gained: z.array(z.string()), lost: z.array(z.string()) }),
  sentences: z.array(z.string()),
});
export const dryRunSchema = z.object({
  hash: z.string(),
  present: z.array(finding),
  recent: z.array(finding),
  lifetimes: z.array(
    z.object({ name: z.string(), of: z.string().nullable(), before: z.int(), after: z.int() }),
  ),
  looked: z.object({
    people: z.int(),
    groups: z.int(),
    partners: z.int(),
    administrators: z.int(),
    connections: z.int(),
    decisions: z.int(),
    recent: z.int(),
  }),
  notLookedAt: z.array(z.string()),
});

const named = z.object({ kind: z.string(), id: z.string() });
export const decisionsSchema = z.object({
  decisions: z.array(
    z.object({
      id: z.string(),
      decided: z.int(),
      action: z.string(),
      effect: z.string(),
      policy: z.string(),
      reason: z.string(),
      principal: named,
      resource: named,
      times: z.int(),
    }),
  ),
  next: z.string().nullable(),
  leftOut: z.int(),
});
const explained = z.object({
  id: z.string(),
  effect: z.string(),
  reason: z.string(),
  file: z.string(),
  line: z.int(),
  text: z.string(),
});
const attributes = z.record(z.string(), z.unknown());
const entity = z.object({ attrs: attributes }).nullable();
export const explanationSchema = z.object({
  id: z.string(),
  decided: z.int(),
  times: z.int(),
  request: z.object({ action: z.string(), principal: named, resource: named }),
  seen: z.object({ principal: entity, resource: entity, context: attributes }),
  effect: z.string(),
  policy: z.string(),
  reason: z.string(),
  deciding: z.array(explained),
  nearest: z.array(explained),
  hash: z.string(),
  inForce: z.boolean(),
});

export type PolicyAnswer = z.infer<typeof policySchema>;
export type DraftSummaryAnswer = z.infer<typeof summarySchema>;
export type DryRunAnswer = z.infer<typeof dryRunSchema>;
export type DecisionsAnswer = z.infer<typeof decisionsSchema>;
export type ExplanationAnswer = z.infer<typeof explanationSchema>;
