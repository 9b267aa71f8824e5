import * as z from 'zod/mini';
import { digest, domainName, entityId, ISSUER_DOMAINS, id, seconds } from './claims.ts';
import { CountersignError } from './errors.ts';
import { verifyIssued } from './issued.ts';
import type { OnlineKeys } from './online-keys.ts';

/** Whom a verifier believes about which domains: a pinned record, of a partner or of the own company. */
export interface TrustedIssuer {
  readonly entity_id: string;
  /** RFC 7638 thumbprint of the offline root. */
  readonly root_thumbprint: string;
  /** The only domains that this issuer may speak for. */
  readonly domains: readonly string[];
  /** A suspended issuer is believed about nothing. Absent for the own company. */
  readonly status?: 'active' | 'suspended' | undefined;
}

/**
 * `partner-record+jwt` (PROTOCOL §6): a bridge tells its own clients whom it pinned, and for which domains. The record
 * of the own company has the same form. Clients pin it on first use.
 */
export const partnerRecordSchema = z.strictObject({
  iss: entityId,
  jti: id,
  iat: seconds,
  exp: seconds,
  /** Rises with every change of this partner's record. */
  version: z.int().check(z.positive()),
  partner: z.strictObject({
    entity_id: entityId,
    root_thumbprint: digest,
    domains: z.array(domainName).check(z.maxLength(ISSUER_DOMAINS)),
    scope: z.array(z.enum(['lookup'])),
    status: z.enum(['active', 'suspended']),
  }),
});

export type PartnerRecord = z.infer<typeof partnerRecordSchema>;

/**
 * Verifies a record under the own bridge's online keys. `leastVersion` is the version of the pinned record. Throws
 * `version_rollback` and what `verifyIssued` throws.
 */
export async function verifyPartnerRecord(
  token: string,
  own: OnlineKeys,
  now: number,
  leastVersion = 1,
): Promise<PartnerRecord> {
  const record = await verifyIssued(
    token,
    'partner-record+jwt',
    partnerRecordSchema,
    { onlineKeys: own, purpose: 'record' },
    now,
  );
  if (!(record.version >= leastVersion)) {
    throw new CountersignError('version_rollback', `record ${record.version} is below ${leastVersion}`);
  }
  return record;
}

/**
 * Refuses an address whose domain is not in the issuer's record, and every address of a suspended issuer. Throws
 * `domain_not_approved`, `partner_suspended`.
 */
export function assertSpeaksFor(issuer: TrustedIssuer, domain: string): void {
  if (issuer.status !== undefined && issuer.status !== 'active') {
    throw new CountersignError('partner_suspended', `${issuer.entity_id} is suspended`);
  }
  if (!issuer.domains.includes(domain)) {
    throw new CountersignError('domain_not_approved', `${issuer.entity_id} is not approved for ${domain}`);
  }
}
