import * as z from 'zod';
import { domainRecordName, formatDomainRecord } from '../../federation/domain-record.ts';
import type { Domains, OwnDomain } from '../../identity/domains.ts';
import { JSON_BODY_BYTES } from '../../lib/limits.ts';
import type { Decide } from '../../policy/decision.ts';
import type { Signer } from '../../signer/signer.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import type { Route } from '../route.ts';

const record = z.strictObject({ type: z.literal('TXT'), name: z.string(), value: z.string() });
const domainSchema = z.strictObject({
  domain: z.string(),
  status: z.enum(['pending', 'verified', 'lost']),
  added: z.int(),
  verified: z.int().nullable(),
  checked: z.int().nullable(),
  record: record.describe('Proves to this bridge that the domain is the organization’s'),
  federationRecord: record.describe('Tells partner companies which bridge speaks for the domain'),
});
const listSchema = z.strictObject({ domains: z.array(domainSchema) });
const newDomainSchema = z.strictObject({ domain: z.string().max(253) });
const removalSchema = z.strictObject({ force: z.enum(['true', 'false']).default('false') });

/** The organization's own domains. */
export function adminDomainRoutes(deps: { domains: Domains; signer: Signer; decide: Decide }): Route[] {
  const { domains, signer, decide } = deps;
  const view = (domain: OwnDomain): z.infer<typeof domainSchema> => ({
    ...domain,
    federationRecord: {
      type: 'TXT',
      name: domainRecordName(domain.domain),
      value: formatDomainRecord({ entityId: signer.iss, rootThumbprint: signer.rootThumbprint }),
    },
  });
  return [
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-administration',
      path: '/admin/v1/domains',
      summary: 'The organization’s domains, with the DNS records that they need',
      response: { status: 200, description: 'The domains', schema: listSchema },
      errors: [],
      handle: async () => ({ body: { domains: (await domains.list()).map(view) } }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-domains',
      path: '/admin/v1/domains',
      summary: 'Name a domain of the organization; answers the DNS record that proves it',
      body: { schema: newDomainSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 201, description: 'The domain', schema: domainSchema },
      errors: ['address_invalid', 'domain_limit', 'domain_refused'],
      handle: async ({ body, context }) => ({ body: view(await domains.add(body.domain, context)) }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-domains',
      path: '/admin/v1/domains/:domain/verify',
      summary: 'Look for the DNS record now',
      response: { status: 200, description: 'The verified domain', schema: domainSchema },
      errors: ['address_invalid', 'domain_unknown', 'domain_unproven', 'name_unresolvable'],
      handle: async ({ params, context }) => ({
        body: view(await domains.verify(params.domain ?? '', context)),
      }),
    }),
    defineAdministratorRoute(decide, {
      method: 'delete',
      action: 'manage-domains',
      path: '/admin/v1/domains/:domain',
      summary: 'Remove a domain; with force=true also while people hold addresses on it',
      query: removalSchema,
      response: { status: 204, description: 'It is removed' },
      errors: ['address_invalid', 'domain_unknown', 'domain_in_use', 'malformed_request'],
      handle: async ({ params, query, context }) => {
        await domains.remove(params.domain ?? '', { force: query.force === 'true' }, context);
        return { body: null };
      },
    }),
  ];
}
