import * as z from 'zod';
import { assurance } from '../../protocol/claims.ts';
import { ACTIONS, ADMINISTRATOR_ROLES, type DecisionRequest } from './decision.ts';

const text = z.string().max(512);
const whole = z.int().min(0);

const principalSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('person'),
    id: text,
    assurance,
    endorsed: z.boolean(),
    connection: text.optional(),
  }),
  z.strictObject({
    kind: z.literal('partner'),
    id: text,
    status: z.enum(['active', 'suspended']),
    domains: z.array(text).max(200).optional(),
  }),
  z.strictObject({
    kind: z.literal('administrator'),
    id: text,
    roles: z.array(z.enum(ADMINISTRATOR_ROLES)).max(ADMINISTRATOR_ROLES.length),
  }),
  z.strictObject({ kind: z.literal('anonymous'), id: z.literal('anonymous') }),
]);

const resourceSchema = z.strictObject({
  kind: z.enum(['bridge', 'person', 'device', 'address', 'connection', 'events', 'group', 'data', 'policy']),
  id: text,
  owner: text.optional(),
  assurance: z.optional(assurance),
  domain: text.optional(),
  groupKind: z.enum(['meeting', 'durable']).optional(),
  label: text.optional(),
  category: text.optional(),
  sensitivity: text.optional(),
});

const contextSchema = z.strictObject({
  connectionStatus: z.enum(['draft', 'tested', 'active', 'disabled']).optional(),
  devices: whole.optional(),
  signIn: z
    .strictObject({
      protocol: z.enum(['oidc', 'saml']),
      acr: text.optional(),
      amr: z.array(text).max(16),
      age: whole.optional(),
      multiFactor: z.boolean(),
    })
    .optional(),
  groupRole: z.enum(['admin', 'member', 'none']).optional(),
  memberKind: z.enum(['person', 'group']).optional(),
  memberOwn: z.boolean().optional(),
  memberBridge: text.optional(),
  memberAssurance: z.optional(assurance),
  named: z.boolean().optional(),
  approvals: whole.optional(),
  administrators: whole.optional(),
  author: z.boolean().optional(),
  tokenRoles: z.array(z.enum(ADMINISTRATOR_ROLES)).max(ADMINISTRATOR_ROLES.length).optional(),
});

/** A question that nobody asked: what would be decided. In the form of `DecisionRequest`. */
export const decisionRequestSchema = z.strictObject({
  action: z.enum(ACTIONS),
  principal: principalSchema,
  resource: resourceSchema,
  context: contextSchema.default({}),
});

/** What it parses is a request: absent facts are absent, as JSON has them. */
export function asDecisionRequest(parsed: z.infer<typeof decisionRequestSchema>): DecisionRequest {
  return parsed as DecisionRequest;
}
