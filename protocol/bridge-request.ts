import * as z from 'zod/mini';
import { digest, entityId, id, seconds } from './claims.ts';
import { CountersignError } from './errors.ts';
import { verifyIssued } from './issued.ts';
import type { ObjectType } from './jws.ts';
import type { OnlineKeys } from './online-keys.ts';

/** Bridge-to-bridge requests and their answers live this long at most, seconds. */
export const REQUEST_LIFE = 60;

/** Members of every request from bridge to bridge (PROTOCOL §6). */
export const requestMembers = { iss: entityId, aud: entityId, jti: id, iat: seconds, exp: seconds };

/** Members of every answer: which request it answers, by `jti` and by the hash of the request's bytes. */
export const responseMembers = { ...requestMembers, request_hash: digest };

const requestEnvelope = z.object(requestMembers);
const responseEnvelope = z.object(responseMembers);
export type BridgeRequestEnvelope = z.infer<typeof requestEnvelope>;
export type BridgeResponseEnvelope = z.infer<typeof responseEnvelope>;

/** The envelope of a request that is made now. `jti` is fresh: the receiver takes it once. */
export function requestEnvelopeOf(
  parties: { readonly iss: string; readonly aud: string; readonly jti: string },
  now: number,
): BridgeRequestEnvelope {
  return { ...parties, iat: now, exp: now + REQUEST_LIFE };
}

/** The envelope of the answer to a verified request, of which `requestHash` is sha256 of the token. */
export function responseEnvelopeOf(
  request: BridgeRequestEnvelope,
  requestHash: string,
  now: number,
): BridgeResponseEnvelope {
  const { aud: iss, iss: aud, jti } = request;
  return { iss, aud, jti, request_hash: requestHash, iat: now, exp: now + REQUEST_LIFE };
}

/**
 * Verifies a partner's request that is meant for `aud`. The caller consumes `jti` once. Throws `jws_audience`,
 * `claims_invalid` and what `verifyIssued` throws.
 */
export async function verifyBridgeRequest<Claims extends BridgeRequestEnvelope>(
  token: string,
  type: ObjectType,
  schema: z.ZodMiniType<Claims>,
  asker: OnlineKeys,
  aud: string,
  now: number,
): Promise<Claims> {
  const signer = { onlineKeys: asker, purpose: 'federation' as const };
  const claims = await verifyIssued(token, type, schema, signer, now);
  assertEnvelope(claims, aud);
  return claims;
}

/** The request that an answer must be for. */
export interface AskedRequest {
  /** Who asked. */
  readonly aud: string;
  readonly jti: string;
  /** sha256 of the request's token. */
  readonly requestHash: string;
}

/**
 * Verifies that a response is from this partner and answers this very request. What it says is still to be held
 * against what was asked. Throws `jws_audience`, `response_mismatch`, `claims_invalid` and what `verifyIssued` throws.
 */
export async function verifyBridgeResponse<Claims extends BridgeResponseEnvelope>(
  token: string,
  type: ObjectType,
  schema: z.ZodMiniType<Claims>,
  answerer: OnlineKeys,
  asked: AskedRequest,
  now: number,
): Promise<Claims> {
  const signer = { onlineKeys: answerer, purpose: 'federation' as const };
  const claims = await verifyIssued(token, type, schema, signer, now);
  assertEnvelope(claims, asked.aud);
  if (claims.jti !== asked.jti || claims.request_hash !== asked.requestHash) {
    throw new CountersignError('response_mismatch');
  }
  return claims;
}

function assertEnvelope(claims: { aud: string; iat: number; exp: number }, aud: string): void {
  if (claims.aud !== aud) throw new CountersignError('jws_audience');
  if (claims.exp - claims.iat > REQUEST_LIFE) {
    throw new CountersignError('claims_invalid', `it lives longer than ${REQUEST_LIFE} s`);
  }
}
