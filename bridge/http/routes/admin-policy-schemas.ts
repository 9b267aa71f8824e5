import * as z from 'zod';
import { policyContentSchema } from '../../../protocol/policy-bundle.ts';
import { ACTIONS } from '../../policy/decision.ts';

const administrator = z.strictObject({ id: z.string(), name: z.string().nullable() });

/** Seconds. `by`: null where the bridge did it by itself. */
const versionSchema = z.strictObject({
  version: z.int(),
  hash: z.string(),
  activated: z.int(),
  by: administrator.nullable(),
  draft: z.string().nullable(),
});

export const policySchema = versionSchema.extend({
  inForce: z.boolean(),
  content: policyContentSchema,
  history: z.array(versionSchema).describe('The newest first'),
});

export const draftSummarySchema = z.strictObject({
  id: z.string(),
  hash: z.string(),
  basedOn: z.int().describe('The version that was in force when it was made'),
  status: z
    .enum(['open', 'outdated', 'activated', 'discarded'])
    .describe('outdated: another version came into force since'),
  note: z.string(),
  author: administrator,
  created: z.int(),
  approvals: z.array(
    z.strictObject({
      administrator,
      approved: z.int(),
      counts: z.boolean().describe('By a token in force, of another administrator than the author'),
    }),
  ),
});

export const draftSchema = draftSummarySchema.extend({
  content: policyContentSchema,
  diff: z.string().describe('Against the policy in force, in the unified form'),
});

export const activatedSchema = z.strictObject({ version: z.int(), hash: z.string() });

const findingSchema = z.strictObject({
  action: z.enum(ACTIONS),
  who: z.string(),
  gained: z.int(),
  lost: z.int(),
  examples: z
    .strictObject({ gained: z.array(z.string()), lost: z.array(z.string()) })
    .describe('Empty for who may not read persons'),
  sentences: z.array(z.string()),
});

export const dryRunSchema = z.strictObject({
  hash: z.string(),
  present: z.array(findingSchema).describe('Of who and what is there now'),
  recent: z.array(findingSchema).describe('Of what was decided lately, decided again'),
  lifetimes: z.array(
    z.strictObject({
      name: z.string(),
      of: z.string().nullable().describe('The assurance, where it is for one'),
      before: z.int().describe('Seconds'),
      after: z.int(),
    }),
  ),
  looked: z.strictObject({
    people: z.int(),
    groups: z.int(),
    partners: z.int(),
    administrators: z.int(),
    connections: z.int(),
    decisions: z.int().describe('That were made for this'),
    recent: z.int(),
  }),
  notLookedAt: z.array(z.string()),
});
