import { type Credential, verifyCredential, verifyRevocation } from '../../protocol/credential.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { type LookUpResponse, type LookUpResult, verifyLookUpResponse } from '../../protocol/look-up.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { LOOKUP_RESPONSE_BYTES } from '../lib/limits.ts';
import type { Signer } from '../signer/signer.ts';
import type { BridgeCalls } from './bridge-calls.ts';
import { asPartnerFault } from './partner-faults.ts';
import type { Partner } from './partner-store.ts';
import { trustedIssuer } from './partner-store.ts';

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
  calls: Pick<BridgeCalls, 'ask'>;
  clock: Clock;
}): AskPartner {
  const { signer, calls, clock } = deps;

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
    const { answer, partner: current } = await calls.ask(partner, {
      type: 'key-lookup-request+jwt',
      endpoint: ({ lookup_endpoint }) => lookup_endpoint,
      claims: { addresses, max_age: maxAge },
      maxBytes: LOOKUP_RESPONSE_BYTES,
      verify: (token, keys, asked, now) => verifyLookUpResponse(token, keys, { ...asked, addresses }, now),
    });
    return { response: answer, current };
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
