import type * as z from 'zod/mini';
import {
  type BridgeRequestEnvelope,
  responseEnvelopeOf,
  verifyBridgeRequest,
} from '../../protocol/bridge-request.ts';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { decodeClaims, type ObjectType } from '../../protocol/jws.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { sha256Base64url } from '../lib/hash.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database, Transaction } from '../storage/database.ts';
import { consumeOnce } from '../storage/one-time.ts';
import { pinnedKeys } from './bridge-calls.ts';
import { findPartner, type Partner } from './partner-store.ts';
import type { Partners } from './partners.ts';

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

  /** Who asks is read from the unverified request only to find the pinned keys under which it must verify. */
  async function verify<Claims extends BridgeRequestEnvelope>(
    token: string,
    type: ObjectType,
    schema: z.ZodMiniType<Claims>,
  ): Promise<AcceptedRequest<Claims>> {
    const claimed = decodeClaims(token, type, schema);
    const partner = await database.read((query) => findPartner(query, claimed.iss));
    if (partner === undefined || partner.status === 'removed') throw new CountersignError('partner_unknown');
    if (partner.status === 'suspended') throw new CountersignError('partner_suspended');
    const under = async (current: Partner): Promise<AcceptedRequest<Claims>> => {
      const now = seconds(clock);
      const keys = await pinnedKeys(current, now);
      const claims = await verifyBridgeRequest(token, type, schema, keys, signer.iss, now);
      return { partner: current, claims, requestHash: sha256Base64url(token) };
    };
    try {
      return await under(partner);
    } catch (error) {
      if (!isCountersignError(error, 'jws_unknown_key') && !isCountersignError(error, 'jws_expired')) {
        throw error;
      }
      const refreshed = await deps.partners.refreshUnlessRecent(partner.entity_id);
      if (refreshed.status !== 'active' || refreshed.online_keys === partner.online_keys) throw error;
      return under(refreshed);
    }
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
