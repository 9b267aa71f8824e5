import { decodeBase64url } from '../../protocol/base64url.ts';
import { verifyCredential } from '../../protocol/credential.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import { lookUpResponseSchema, verifyLookUpResponse } from '../../protocol/look-up.ts';
import { verifyOnlineKeys } from '../../protocol/online-keys.ts';
import type { Company } from '../company/company.ts';
import { DOMAIN } from '../company/domain.ts';

/** Verifies an answer and every credential in it, as a client does; answers its payload. A fast wrong answer is none. */
export async function checkAnswer(company: Company, body: string, token: string): Promise<Uint8Array> {
  const now = Math.floor(Date.now() / 1000);
  const asked = JSON.parse(body) as { request_id: string; addresses: string[] };
  const [first] = decodeClaims(token, 'key-lookup-response+jwt', lookUpResponseSchema).results;
  if (first?.status !== 'credential') throw new Error(`the bridge answered ${first?.status}`);
  const expected = { iss: company.issuer, rootThumbprint: company.rootThumbprint };
  const keys = await verifyOnlineKeys(first.credential.online_keys, expected, now);
  const { deviceId } = company.asker;
  const request = {
    ...{ aud: deviceId, jti: asked.request_id, requestHash: sha256Base64url(body) },
    addresses: asked.addresses,
  };
  const answer = await verifyLookUpResponse(token, keys, request, now);
  const issuer = {
    entity_id: company.issuer,
    root_thumbprint: company.rootThumbprint,
    domains: [DOMAIN],
  };
  for (const result of answer.results) {
    if (result.status !== 'credential') throw new Error(`${result.address}: ${result.status}`);
    const policy = { level: 'signed' as const, maxAge: 60 };
    await verifyCredential(result.credential, result.address, { issuer, policy, now, audience: deviceId });
  }
  return decodeBase64url(token.split('.')[1] ?? '');
}
