import * as z from 'zod';
import { digest, entityId, id, seconds } from './claims.ts';
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
  version: z.int().positive(),
  partner: z.strictObject({
    entity_id: entityId,
    root_thumbprint: digest,
    domains: z.array(z.string().max(253)).max(256),
    scope: z.array(z.enum(['lookup'])),
    status: z.enum(['active', 'suspended']),
  }),
});

export type PartnerRecord = z.infer<typeof partnerRecordSchema>;

/** Verifies a record under the own bridge's online keys. Throws what `verifyIssued` throws. */
export async function verifyPartnerRecord(
  token: string,
  own: OnlineKeys,
  now: number,
): Promise<PartnerRecord> {
  return verifyIssued(
    token,
    'partner-record+jwt',
    partnerRecordSchema,
    { onlineKeys: own, purpose: 'record' },
    now,
  );
}

/** Refuses an address whose domain is not in the issuer's record. Throws `domain_not_approved`. */
export function assertSpeaksFor(issuer: TrustedIssuer, domain: string): void {
  if (!issuer.domains.includes(domain)) {
    throw new CountersignError('domain_not_approved', `${issuer.entity_id} is not approved for ${domain}`);
  }
}
