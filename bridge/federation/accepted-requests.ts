import type * as z from 'zod/mini';
import {
  type BridgeRequestEnvelope,
  responseEnvelopeOf,
  verifyBridgeRequest,
} from '../../protocol/bridge-request.ts';
import { decodeClaims, type ObjectType } from '../../protocol/jws.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { sha256Base64url } from '../lib/hash.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database, Transaction } from '../storage/database.ts';
import { consumeOnce } from '../storage/one-time.ts';
import type { Partner } from './partner-store.ts';
import type { Partners } from './partners.ts';
import { createVerifyByPartner } from './signed-by-partner.ts';

/** A request that an active partner signed for us. */
export interface AcceptedRequest<Claims extends BridgeRequestEnvelope = BridgeRequestEnvelope> {
  readonly partner: Partner;
  readonly claims: Claims;
  /** sha256 of the token. */
  readonly requestHash: string;
}

export interface AcceptedRequests {
  /**
   * Verifies a request that anybody may have sent: by an active partner, under its pinned root, for us, of this type.
   * Its `jti` is still to be consumed. Throws `partner_unknown`, `partner_suspended`, `jws_audience` and what verifying
   * throws.
   */
  verify<Claims extends BridgeRequestEnvelope>(
    token: string,
    type: ObjectType,
    schema: z.ZodMiniType<Claims>,
  ): Promise<AcceptedRequest<Claims>>;
  /** Uses the request up, in the transaction of what it changes (PROTOCOL §12). Throws `replayed`. */
  consume(transaction: Transaction, request: AcceptedRequest): Promise<void>;
  /** Verifies, and uses up in a transaction of its own: for requests that change nothing else. */
  accept<Claims extends BridgeRequestEnvelope>(
    token: string,
    type: ObjectType,
    schema: z.ZodMiniType<Claims>,
  ): Promise<AcceptedRequest<Claims>>;
  /** Signs the answer to a request. */
  respond(request: AcceptedRequest, type: ObjectType, claims: object): Promise<string>;
}

export function createAcceptedRequests(deps: {
  readonly signer: Signer;
  readonly database: Database;
  readonly partners: Pick<Partners, 'refreshUnlessRecent'>;
  readonly clock: Clock;
}): AcceptedRequests {
  const { signer, database, clock } = deps;
  const verifyByPartner = createVerifyByPartner(deps);

  /** Who asks is read from the unverified request only to find the pinned keys under which it must verify. */
  async function verify<Claims extends BridgeRequestEnvelope>(
    token: string,
    type: ObjectType,
    schema: z.ZodMiniType<Claims>,
  ): Promise<AcceptedRequest<Claims>> {
    const claimed = decodeClaims(token, type, schema);
    const { partner, verified } = await verifyByPartner(claimed.iss, (_partner, keys, now) =>
      verifyBridgeRequest(token, type, schema, keys, signer.iss, now),
    );
    return { partner, claims: verified, requestHash: sha256Base64url(token) };
  }

  async function consume(transaction: Transaction, { partner, claims }: AcceptedRequest): Promise<void> {
    const id = sha256Base64url(`${partner.entity_id} ${claims.jti}`);
    await consumeOnce(transaction, 'bridge-request', id, claims.exp * 1000);
  }

  return {
    verify,
    consume,
    async accept(token, type, schema) {
      const request = await verify(token, type, schema);
      await database.transaction((transaction) => consume(transaction, request));
      return request;
    },
    respond: ({ claims: request, requestHash }, type, claims) =>
      signer.sign('federation', type, {
        ...claims,
        ...responseEnvelopeOf(request, requestHash, seconds(clock)),
      }),
  };
}
