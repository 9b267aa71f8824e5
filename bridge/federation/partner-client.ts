import { type Credential, verifyCredential, verifyRevocation } from '../../protocol/credential.ts';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { type LookUpResponse, type LookUpResult, verifyLookUpResponse } from '../../protocol/look-up.ts';
import { verifyOnlineKeys } from '../../protocol/online-keys.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { BRIDGE_REQUEST_LIFE_S, LOOKUP_RESPONSE_BYTES, PARTNER_TIMEOUT_MS } from '../lib/limits.ts';
import type { Outbound } from '../lib/outbound.ts';
import type { Signer } from '../signer/signer.ts';
import { asPartnerFault } from './partner-faults.ts';
import type { Partner } from './partner-store.ts';
import { trustedIssuer } from './partner-store.ts';
import type { Partners } from './partners.ts';

/** What a partner says of one address, verified: evidence checked under its pinned record, or its mere claim. */
export type PartnerAnswer =
  | { readonly result: LookUpResult; readonly fault: null }
  | { readonly result: null; readonly fault: CountersignError };

/** Asks one partner about addresses of its domains, in one batch. Never throws for what the partner does. */
export type AskPartner = (
  partner: Partner,
  addresses: readonly string[],
  maxAge: number,
) => Promise<ReadonlyMap<string, PartnerAnswer>>;

export function createPartnerClient(deps: {
  signer: Signer;
  outbound: Outbound;
  partners: Partners;
  clock: Clock;
}): AskPartner {
  const { signer, clock } = deps;

  return async (partner, addresses, maxAge) => {
    try {
      const { response, current } = await ask(partner, addresses, maxAge);
      const answers = await Promise.all(
        response.results.map(
          async (result): Promise<[string, PartnerAnswer]> => [
            result.address,
            await verified(result, current),
          ],
        ),
      );
      return new Map(answers);
    } catch (error) {
      const fault = asPartnerFault(error);
      return new Map(addresses.map((address) => [address, { result: null, fault }]));
    }
  };

  async function ask(
    partner: Partner,
    addresses: readonly string[],
    maxAge: number,
  ): Promise<{ response: LookUpResponse; current: Partner }> {
    const current = await usable(partner);
    const now = seconds(clock);
    const jti = newId();
    const request = await signer.sign('federation', 'key-lookup-request+jwt', {
      iss: signer.iss,
      aud: current.entity_id,
      jti,
      iat: now,
      exp: now + BRIDGE_REQUEST_LIFE_S,
      addresses,
      max_age: maxAge,
    });
    const token = await post(current, request);
    const asked = { aud: signer.iss, jti, requestHash: sha256Base64url(request), addresses };
    return verifyUnderCurrentKeys(current, token, asked);
  }

  /** A partner whose keys or configuration ran out is read again once; if it stays so, it fails closed. */
  async function usable(partner: Partner): Promise<Partner> {
    if (seconds(clock) < partner.expires) return partner;
    const refreshed = await deps.partners.refreshUnlessRecent(partner.entity_id);
    if (refreshed.status !== 'active')
      throw new CountersignError('partner_suspended', refreshed.reason ?? undefined);
    if (seconds(clock) >= refreshed.expires) throw new CountersignError('partner_expired');
    return refreshed;
  }

  async function post(partner: Partner, request: string): Promise<string> {
    const response = await deps.outbound.request(partner.lookup_endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/key-lookup-request+jwt' },
      body: request,
      timeoutMs: PARTNER_TIMEOUT_MS,
      maxBytes: LOOKUP_RESPONSE_BYTES,
    });
    if (response.status >= 500) {
      throw new CountersignError('partner_unreachable', `It answers with status ${response.status}.`);
    }
    if (response.status !== 200) {
      throw new CountersignError('partner_refuses', `It answers with status ${response.status}.`);
    }
    return new TextDecoder().decode(response.body).trim();
  }

  /** A response by a key that we do not know yet: the partner may have rotated. Read it again once, then decide. */
  async function verifyUnderCurrentKeys(
    partner: Partner,
    token: string,
    asked: Parameters<typeof verifyLookUpResponse>[2],
  ): Promise<{ response: LookUpResponse; current: Partner }> {
    try {
      return { response: await verifyUnder(partner, token, asked), current: partner };
    } catch (error) {
      if (!isCountersignError(error, 'jws_unknown_key')) throw error;
      const refreshed = await deps.partners.refreshUnlessRecent(partner.entity_id);
      if (refreshed.status !== 'active') {
        throw new CountersignError('partner_suspended', refreshed.reason ?? undefined);
      }
      return { response: await verifyUnder(refreshed, token, asked), current: refreshed };
    }
  }

  async function verifyUnder(
    partner: Partner,
    token: string,
    asked: Parameters<typeof verifyLookUpResponse>[2],
  ): Promise<LookUpResponse> {
    const now = seconds(clock);
    const onlineKeys = await verifyOnlineKeys(
      partner.online_keys,
      { iss: partner.entity_id, rootThumbprint: partner.root_thumbprint, leastSerial: partner.serial },
      now,
    );
    return verifyLookUpResponse(token, onlineKeys, asked, now);
  }

  /**
   * Holds what the partner staples against its pinned record, as our clients will again. Not the log proofs: a thousand
   * of them are seconds of work, which would hold up everybody else, and only the client knows whose cosignatures it
   * trusts.
   */
  async function verified(result: LookUpResult, partner: Partner): Promise<PartnerAnswer> {
    const issuer = trustedIssuer(partner);
    const context = { issuer, now: seconds(clock), leastSerial: partner.serial };
    try {
      if (result.iss !== partner.entity_id) {
        throw new CountersignError('partner_lying', 'The partner passes on another bridge’s claim.');
      }
      if (result.status === 'credential') {
        const policy = { level: 'signed', maxAge: Number.MAX_SAFE_INTEGER } as const;
        await verifyCredential(signedPart(result.credential), result.address, {
          ...context,
          policy,
          audience: signer.iss,
        });
      } else if (result.status === 'revoked') {
        const { log_proof: _proof, ...evidence } = result.revocation;
        await verifyRevocation(evidence, result.address, context);
      }
      return { result: { ...result, source: 'partner' }, fault: null };
    } catch (error) {
      return { result: null, fault: asPartnerFault(error) };
    }
  }
}

function signedPart({ log_proof: _proof, ...signed }: Credential): Credential {
  return signed;
}
