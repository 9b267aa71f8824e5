import type { IncomingMessage } from 'node:http';
import { type VerifySignature, verifyDpopProof } from '../../protocol/dpop.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { Holder } from '../binding/holder.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { sha256Base64url } from '../lib/hash.ts';
import { CLOCK_SKEW_S, DPOP_PROOF_AGE_S } from '../lib/limits.ts';
import { type Keyspace, keyspace } from '../storage/cache.ts';

/** Finds the holder of a valid access token bound to this key, or `undefined`. The token itself is not kept. */
export type FindHolder = (accessToken: string, jkt: string) => Promise<Holder | undefined>;

export type AuthenticateDevice = (request: IncomingMessage, url: string) => Promise<Holder>;

/**
 * DPoP (RFC 9449 §7): the token, and a fresh proof of possession of the key that it is bound to, for this method and
 * URL. The URL is the configured issuer's, never the `Host` header's. Throws `unauthenticated`, `dpop_invalid`,
 * `replayed`.
 */
export function createDeviceAuthentication(deps: {
  cache: Keyspace;
  clock: Clock;
  findHolder: FindHolder;
  verifySignature?: VerifySignature | undefined;
}): AuthenticateDevice {
  const proofs = keyspace(deps.cache, 'dpop');
  return async (request, url) => {
    const accessToken = dpopToken(request);
    const proof = request.headers.dpop;
    if (typeof proof !== 'string')
      throw new CountersignError('dpop_invalid', 'Exactly one DPoP header is needed.');
    const expected = { method: request.method ?? '', url, accessToken };
    const { jkt, jti, iat } = await verifyDpopProof(
      proof,
      expected,
      seconds(deps.clock),
      deps.verifySignature,
    );
    // First: anybody can make proofs, and room for what is remembered of them is only for holders of a token.
    const holder = await deps.findHolder(accessToken, jkt);
    if (holder === undefined) throw new CountersignError('unauthenticated');
    const firstUse = await proofs.consumeOnce(sha256Base64url(`${jkt}.${jti}`), PROOF_MEMORY_MS, iat * 1_000);
    if (!firstUse) throw new CountersignError('replayed', 'This DPoP proof was used before.');
    return holder;
  };
}

/** A proof is taken from a little before its `iat` to its age after it; it is remembered for all of that. */
const PROOF_MEMORY_MS = (2 * DPOP_PROOF_AGE_S + CLOCK_SKEW_S) * 1000;

function dpopToken(request: IncomingMessage): string {
  const match = /^DPoP ([A-Za-z0-9._~+/-]+=*)$/i.exec(request.headers.authorization ?? '');
  if (match?.[1] === undefined)
    throw new CountersignError('unauthenticated', 'Send a DPoP-bound access token.');
  return match[1];
}
