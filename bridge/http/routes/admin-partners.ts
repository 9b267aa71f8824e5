import * as z from 'zod';
import { digest, domainName, entityId, ISSUER_DOMAINS } from '../../../protocol/claims.ts';
import { policyReference } from '../../../protocol/entity-configuration.ts';
import type { ErrorCode } from '../../../protocol/errors.ts';
import type { Partner } from '../../federation/partner-store.ts';
import type { PartnerTrust } from '../../federation/partner-trust.ts';
import type { Partners } from '../../federation/partners.ts';
import { JSON_BODY_BYTES, REASON_LENGTH } from '../../lib/limits.ts';
import type { Decide } from '../../policy/decision.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import type { Route } from '../route.ts';

const partnerSchema = z.strictObject({
  entityId: z.string(),
  organizationName: z.string(),
  status: z.enum(['active', 'suspended', 'removed']),
  rootThumbprint: z.string(),
  domains: z.array(z.string()),
  version: z.int(),
  expires: z.int(),
  checked: z.int(),
  reason: z.string().nullable(),
  policy: z
    .nullable(policyReference)
    .describe('The policy that it said it decides by, when it was last read'),
});
const discoveredSchema = z.strictObject({
  entityId: z.string(),
  rootThumbprint: z.string().describe('Compare it with what the partner tells you by another way'),
  organizationName: z.string(),
  domains: z.array(z.strictObject({ domain: z.string(), confirmed: z.boolean() })),
});
const approvalSchema = z.strictObject({
  entityId,
  rootThumbprint: digest,
  domains: z.array(domainName).min(1).max(ISSUER_DOMAINS),
});
const namedSchema = z.strictObject({ entityId });
const suspensionSchema = namedSchema.extend({
  reason: z.string().trim().min(1).max(REASON_LENGTH).optional(),
});

const READING_ERRORS: readonly ErrorCode[] = [
  ...([
    'partner_dns',
    'partner_domain',
    'partner_fingerprint',
    'partner_unreachable',
    'partner_slow',
  ] as const),
  ...(['partner_lying', 'partner_expired', 'name_unresolvable'] as const),
];

interface Deps {
  readonly partners: Partners;
  readonly partnerTrust: PartnerTrust;
  readonly decide: Decide;
}

/** Other companies' bridges. */
export function adminPartnerRoutes(deps: Deps): Route[] {
  return [...pinningRoutes(deps), loggedTrustRoute(deps), ...restrictingRoutes(deps)];
}

const loggedTrustSchema = z.strictObject({
  record: z.strictObject({ version: z.int(), domains: z.array(z.string()) }),
  policy: z.strictObject({ version: z.int(), hash: z.string() }),
  level: z.enum(['logged', 'witnessed', 'audited']).describe('The lower one of the two'),
  epoch: z.int().describe('The older one of the two'),
  time: z.int().describe('When it closed, seconds'),
  cosignedBy: z.array(z.string()).describe('Those of our own witnesses and auditors who have seen both'),
  unlogged: z
    .array(z.string())
    .describe('Domains for which it is approved here, and which its log does not have as its own'),
});

function loggedTrustRoute({ partnerTrust, decide }: Deps): Route {
  return defineAdministratorRoute(decide, {
    method: 'get',
    action: 'read-administration',
    path: '/admin/v1/partners/logged-trust',
    summary:
      'Whether what a partner shows of itself is what its key log has: read and verified now, under its pin',
    query: namedSchema,
    response: { status: 200, description: 'What its log has', schema: loggedTrustSchema },
    errors: ['malformed_request', 'partner_unknown', ...READING_ERRORS],
    handle: async ({ query }) => ({ body: await partnerTrust.check(query.entityId) }),
  });
}

function pinningRoutes({ partners, decide }: Deps): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-administration',
      path: '/admin/v1/partners',
      summary: 'The partners, removed ones included',
      response: {
        status: 200,
        description: 'The partners',
        schema: z.strictObject({ partners: z.array(partnerSchema) }),
      },
      errors: [],
      handle: async () => ({ body: { partners: (await partners.list()).map(view) } }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-partners',
      path: '/admin/v1/partners/discover',
      summary: 'Find the bridge of a domain; nothing is trusted by that',
      body: { schema: z.strictObject({ domain: z.string().max(253) }), maxBytes: JSON_BODY_BYTES },
      response: { status: 200, description: 'What it says of itself', schema: discoveredSchema },
      errors: ['address_invalid', ...READING_ERRORS],
      handle: async ({ body, context }) => ({ body: await partners.discover(body.domain, context) }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-partners',
      path: '/admin/v1/partners/approve',
      summary: 'Pin a partner’s root, by the fingerprint that was compared, and its domains',
      body: { schema: approvalSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 200, description: 'The pinned partner', schema: partnerSchema },
      errors: [...READING_ERRORS, 'unavailable'],
      handle: async ({ body, context }) => ({ body: view(await partners.approve(body, context)) }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-partners',
      path: '/admin/v1/partners/refresh',
      summary: 'Read a partner again under its pin now; a broken pin suspends it',
      body: { schema: namedSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 200, description: 'How it stands then', schema: partnerSchema },
      errors: ['partner_unknown', 'name_unresolvable'],
      handle: async ({ body, context }) => ({ body: view(await partners.refresh(body.entityId, context)) }),
    }),
  ];
}

function restrictingRoutes({ partners, decide }: Deps): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-partners',
      path: '/admin/v1/partners/suspend',
      summary: 'Stop believing and answering a partner until it is approved again',
      body: { schema: suspensionSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 200, description: 'The suspended partner', schema: partnerSchema },
      errors: ['partner_unknown'],
      handle: async ({ body, context }) => {
        const reason = body.reason ?? 'suspended by an administrator';
        return { body: view(await partners.suspend(body.entityId, reason, context)) };
      },
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-partners',
      path: '/admin/v1/partners/remove',
      summary: 'End a partnership; its domains are free to be approved for another bridge',
      body: { schema: namedSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 200, description: 'The removed partner', schema: partnerSchema },
      errors: ['partner_unknown'],
      handle: async ({ body, context }) => ({ body: view(await partners.remove(body.entityId, context)) }),
    }),
  ];
}

function view(partner: Partner): z.infer<typeof partnerSchema> {
  const { status, version, expires, checked, reason, policy } = partner;
  return {
    entityId: partner.entity_id,
    organizationName: partner.organization_name,
    rootThumbprint: partner.root_thumbprint,
    domains: [...partner.domains],
    ...{ status, version, expires, checked, reason, policy },
  };
}
