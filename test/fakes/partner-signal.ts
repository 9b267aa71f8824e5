import { CAEP } from '../../bridge/signals/event-uris.ts';
import type { Json } from '../../protocol/canonical-json.ts';
import type { PartnerSignal } from '../../protocol/partner-signal.ts';
import type { Company } from '../protocol/company.ts';

/** What a partner says when the key of one of its people was revoked; `changes` make it lie in one point. */
export function partnerSignalClaims(
  { iss, aud, email, now }: { iss: string; aud: string; email: string; now: number },
  changes: Readonly<Record<string, unknown>> = {},
): PartnerSignal {
  const honest: PartnerSignal = {
    ...{ iss, aud, jti: 'signal-1', iat: now, txn: 'act-1' },
    sub_id: { format: 'email', email },
    events: {
      [CAEP.credentialChange]: {
        ...{ credential_type: 'x-countersign-key', change_type: 'revoke', event_timestamp: now },
      },
    },
  };
  return { ...honest, ...changes } as PartnerSignal;
}

/** The same, signed by the company that a lying bridge is. */
export function signPartnerSignal(company: Company, claims: PartnerSignal): Promise<string> {
  return company.signs('federation', 'secevent+jwt', claims as Json);
}
