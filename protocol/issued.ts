import type * as z from 'zod/mini';
import { CountersignError } from './errors.ts';
import { assertTimes, CLOCK_SKEW, type ObjectType, verifyJws } from './jws.ts';
import { assertKeyInUse, type KeyPurpose, type OnlineKey, type OnlineKeys } from './online-keys.ts';

interface IssuedClaims {
  readonly iss: string;
  readonly iat: number;
  readonly nbf?: number | undefined;
  readonly exp: number;
}

/**
 * Verifies an object that a bridge signed with an online key: type, key and purpose, signature, issuer, times, and
 * that the key was in use when the object says it was signed, and that the online keys, which a caller may have held
 * for long, are still good. Throws what these checks throw.
 */
export async function verifyIssued<Claims extends IssuedClaims>(
  token: string,
  type: ObjectType,
  schema: z.ZodMiniType<Claims>,
  signer: { readonly onlineKeys: OnlineKeys; readonly purpose: KeyPurpose },
  now: number,
): Promise<Claims> {
  let key: OnlineKey | undefined;
  const claims = await verifyJws(token, type, schema, (header) => {
    key = signer.onlineKeys.find(signer.purpose, header.kid);
    return key.jwk;
  });
  if (claims.iss !== signer.onlineKeys.iss) {
    throw new CountersignError('jws_issuer', `expected ${signer.onlineKeys.iss}`);
  }
  if (key === undefined) throw new CountersignError('internal');
  assertKeyInUse(key, claims.iat);
  assertTimes(claims, now);
  if (now >= signer.onlineKeys.exp + CLOCK_SKEW) {
    throw new CountersignError('jws_expired', 'the online keys of the issuer have expired');
  }
  return claims;
}
