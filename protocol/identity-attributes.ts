import * as z from 'zod/mini';
import { displayText, entityId, id, seconds } from './claims.ts';
import { CountersignError } from './errors.ts';
import { verifyIssued } from './issued.ts';
import type { OnlineKeys } from './online-keys.ts';

/**
 * `identity-attributes+jwt` (PROTOCOL §4): what the bridge tells one audience about a person. Apart from the binding,
 * because a JWS cannot be cut: policy decides per asker what is in it, and absent means not told.
 */
export const identityAttributesSchema = z.strictObject({
  iss: entityId,
  sub: id,
  aud: z.string().check(z.maxLength(255)),
  jti: id,
  iat: seconds,
  exp: seconds,
  name: z.optional(displayText(256)),
  organization: z.optional(displayText(256)),
  sign_in: z.optional(
    z.strictObject({
      protocol: z.enum(['oidc', 'saml']),
      acr: z.nullable(z.string().check(z.maxLength(512))),
      amr: z.array(z.string().check(z.maxLength(128))).check(z.maxLength(16)),
      auth_time: z.nullable(seconds),
    }),
  ),
});

export type IdentityAttributes = z.infer<typeof identityAttributesSchema>;

/** Verifies attributes for this audience and person. Throws `jws_audience`, `claims_invalid`, and what its parts throw. */
export async function verifyIdentityAttributes(
  token: string,
  onlineKeys: OnlineKeys,
  expected: { aud: string; sub: string },
  now: number,
): Promise<IdentityAttributes> {
  const signer = { onlineKeys, purpose: 'binding' as const };
  const claims = await verifyIssued(token, 'identity-attributes+jwt', identityAttributesSchema, signer, now);
  if (claims.aud !== expected.aud) throw new CountersignError('jws_audience');
  if (claims.sub !== expected.sub)
    throw new CountersignError('claims_invalid', 'the attributes are another person’s');
  return claims;
}
