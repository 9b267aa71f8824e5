import { verifyCredential } from '../../protocol/credential.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import { lookUpResponseSchema } from '../../protocol/look-up.ts';
import { DOMAIN } from '../company/domain.ts';
import type { WitnessedCompany } from './witnessed-company.ts';

/** That every credential of an answer has its log proof in a witnessed checkpoint. Otherwise a fast answer is none. */
export async function assertStapled(company: WitnessedCompany, token: string): Promise<void> {
  const { results } = decodeClaims(token, 'key-lookup-response+jwt', lookUpResponseSchema);
  const { issuer, rootThumbprint, asker, witnessKey } = company;
  const trust = { witnesses: [witnessKey], witnessQuorum: 1, auditors: [], auditorQuorum: 0 };
  for (const result of results) {
    if (result.status !== 'credential') throw new Error(`${result.address}: ${result.status}`);
    await verifyCredential(result.credential, result.address, {
      issuer: { entity_id: issuer, root_thumbprint: rootThumbprint, domains: [DOMAIN] },
      policy: { level: 'witnessed', maxAge: 60, log: trust },
      now: Math.floor(Date.now() / 1000),
      audience: asker.deviceId,
    });
  }
}
