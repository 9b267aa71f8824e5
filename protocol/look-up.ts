import * as z from 'zod/mini';
import { requestMembers, verifyBridgeRequest } from './bridge-request.ts';
import { compactJws, digest, entityId, id, seconds } from './claims.ts';
import { credentialSchema, revocationSchema } from './credential.ts';
import { CountersignError } from './errors.ts';
import { verifyIssued } from './issued.ts';
import type { OnlineKeys } from './online-keys.ts';

/** The most addresses of one look-up. */
export const LOOK_UP_ADDRESSES = 1000;

const addresses = z
  .array(z.string().check(z.maxLength(254)))
  .check(z.minLength(1), z.maxLength(LOOK_UP_ADDRESSES));

/** The most addresses of one look-up by the public. */
export const PUBLIC_LOOK_UP_ADDRESSES = 20;

/** Whom answers to the public are for: in the place of a device id, which the asker does not have. */
export const PUBLIC_AUDIENCE = 'public';

/** What anybody posts who has no sign-in here (JSON). */
export const publicLookUpBodySchema = z.strictObject({
  request_id: id,
  addresses: z
    .array(z.string().check(z.maxLength(254)))
    .check(z.minLength(1), z.maxLength(PUBLIC_LOOK_UP_ADDRESSES)),
});

/** What a client posts (JSON, DPoP): `max_age` is how old, in seconds, an answer from a cache may be. */
export const lookUpBodySchema = z.strictObject({
  request_id: id,
  addresses,
  max_age: z.optional(z.int().check(z.minimum(0), z.maximum(86_400))),
});

/** `key-lookup-request+jwt` (PROTOCOL §5), from bridge to bridge. */
export const lookUpRequestSchema = z.strictObject({
  ...requestMembers,
  addresses,
  max_age: z.int().check(z.minimum(0), z.maximum(86_400)),
});

const answered = {
  address: z.string().check(z.maxLength(254)),
  source: z.enum(['own', 'partner']),
  iss: entityId,
};

/** What is said of one address. `not_found` and `refused` are the bridge's claim alone. */
export const lookUpResultSchema = z.discriminatedUnion('status', [
  z.strictObject({
    status: z.literal('credential'),
    ...answered,
    as_of: seconds,
    credential: credentialSchema,
  }),
  z.strictObject({ status: z.literal('revoked'), ...answered, as_of: seconds, revocation: revocationSchema }),
  z.strictObject({ status: z.literal('revoked_pending'), ...answered, as_of: seconds }),
  z.strictObject({ status: z.literal('not_found'), ...answered, as_of: seconds }),
  z.strictObject({
    status: z.literal('refused'),
    ...answered,
    as_of: seconds,
    /** A stable error code. */
    code: z.string().check(z.maxLength(64)),
    detail: z.optional(z.string().check(z.maxLength(512))),
  }),
]);

/** `key-lookup-response+jwt`: one result per address asked for, in the order asked. */
export const lookUpResponseSchema = z.strictObject({
  iss: entityId,
  /** Entity id of the asking bridge, device id of the asking client, or PUBLIC_AUDIENCE. */
  aud: z.string().check(z.maxLength(255)),
  /** The request's `jti` or `request_id`. */
  jti: id,
  request_hash: digest,
  iat: seconds,
  exp: seconds,
  results: z.array(lookUpResultSchema).check(z.maxLength(LOOK_UP_ADDRESSES)),
  /** `partner-record+jwt` of every issuer in the results; only in answers to the bridge's own clients. */
  records: z.optional(z.array(compactJws).check(z.maxLength(LOOK_UP_ADDRESSES))),
});

export type PublicLookUpBody = z.infer<typeof publicLookUpBodySchema>;
export type LookUpBody = z.infer<typeof lookUpBodySchema>;
export type LookUpRequest = z.infer<typeof lookUpRequestSchema>;
export type LookUpResult = z.infer<typeof lookUpResultSchema>;
export type LookUpResponse = z.infer<typeof lookUpResponseSchema>;

/** Verifies a bridge's request that is meant for `aud`. The caller consumes `jti` once. */
export async function verifyLookUpRequest(
  token: string,
  asker: OnlineKeys,
  aud: string,
  now: number,
): Promise<LookUpRequest> {
  return verifyBridgeRequest(token, 'key-lookup-request+jwt', lookUpRequestSchema, asker, aud, now);
}

/**
 * Verifies that a response answers this very request: signer, audience, `jti`, hash of the request's bytes, and the
 * addresses in the order asked, with whose claim each one is. Throws what these checks throw.
 */
export async function verifyLookUpResponse(
  token: string,
  answerer: OnlineKeys,
  asked: { aud: string; jti: string; requestHash: string; addresses: readonly string[] },
  now: number,
): Promise<LookUpResponse> {
  const signer = { onlineKeys: answerer, purpose: 'federation' as const };
  const claims = await verifyIssued(token, 'key-lookup-response+jwt', lookUpResponseSchema, signer, now);
  if (claims.aud !== asked.aud) throw new CountersignError('jws_audience');
  if (claims.jti !== asked.jti || claims.request_hash !== asked.requestHash) {
    throw new CountersignError('response_mismatch');
  }
  const inOrder =
    claims.results.length === asked.addresses.length &&
    claims.results.every((result, index) => result.address === asked.addresses[index]);
  if (!inOrder) throw new CountersignError('claims_invalid', 'the response is for other addresses');
  const attributed = claims.results.every(({ source, iss }) => (source === 'own') === (iss === claims.iss));
  if (!attributed) throw new CountersignError('claims_invalid', 'a claim is passed off as another bridge’s');
  return claims;
}
