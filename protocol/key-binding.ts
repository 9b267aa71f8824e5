import * as z from 'zod/mini';
import { digest, entityId, id, seconds } from './claims.ts';
import { CountersignError } from './errors.ts';
import { verifyIssued } from './issued.ts';
import {
  type KeyStatement,
  keyStatementSchema,
  statementSignaturesSchema,
  verifyStatement,
} from './key-statement.ts';
import { assertKeyInUse, type OnlineKeys } from './online-keys.ts';
import { type SignatureKey, thumbprint } from './public-key.ts';

/** `key-binding+jwt` (PROTOCOL §4): the bridge's short-lived signature over a key statement. */
export const keyBindingSchema = z.strictObject({
  iss: entityId,
  sub: id,
  jti: id,
  iat: seconds,
  nbf: seconds,
  exp: seconds,
  /** Hash of the policy in force when this was issued. */
  policy_hash: digest,
  statement: keyStatementSchema,
  signatures: statementSignaturesSchema,
});

export type KeyBindingClaims = z.infer<typeof keyBindingSchema>;

/**
 * Verifies a binding under its issuer's online keys and the statement within. Throws what these checks throw, and
 * `statement_revoked` for a binding over a revoked statement.
 *
 * With `previous` known, a `sig` that the bridge alone put in its place (a reset, a new enrolment) is `pin_changed`:
 * otherwise a bridge could swap `sig`, keep `pre`, and add a device unseen.
 */
export async function verifyKeyBinding(
  token: string,
  onlineKeys: OnlineKeys,
  now: number,
  previous?: SignatureKey,
): Promise<KeyBindingClaims> {
  const claims = await verifyIssued(
    token,
    'key-binding+jwt',
    keyBindingSchema,
    { onlineKeys, purpose: 'binding' },
    now,
  );
  const { statement, signatures } = claims;
  if (statement.iss !== claims.iss || statement.sub !== claims.sub) {
    throw new CountersignError('claims_invalid', 'the binding and its statement name different identities');
  }
  if (statement.status !== 'active') throw new CountersignError('statement_revoked');
  await verifyStatement(
    { statement, signatures },
    {
      bridgeKey: (kid) => statementKey(onlineKeys, kid, statement),
      ...(previous === undefined ? {} : { previous }),
    },
  );
  const begunAnew = statement.reason !== undefined && previous !== undefined;
  if (begunAnew && thumbprint(previous) !== thumbprint(statement.keys[1])) {
    throw new CountersignError('pin_changed', 'the person’s keys were begun anew by the bridge');
  }
  return claims;
}

/** The issuer's key that may sign this statement; it must have been in use when the statement began. */
export function statementKey(onlineKeys: OnlineKeys, kid: string, statement: KeyStatement): SignatureKey {
  const key = onlineKeys.find('statement', kid);
  assertKeyInUse(key, statement.since);
  return key.jwk;
}
