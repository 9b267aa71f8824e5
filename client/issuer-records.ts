import { parseAddress } from '../protocol/address.ts';
import { CountersignError, isCountersignError } from '../protocol/errors.ts';
import { CLOCK_SKEW, decodeClaims } from '../protocol/jws.ts';
import type { OnlineKeys } from '../protocol/online-keys.ts';
import { type PartnerRecord, partnerRecordSchema, verifyPartnerRecord } from '../protocol/partner-record.ts';
import type { PinDraft } from './pin-draft.ts';
import type { IssuerPin } from './pin-store.ts';

/** Why an issuer is not believed in this answer, by entity id. */
export type RecordFaults = ReadonlyMap<string, CountersignError>;

/**
 * Verifies the records that came with an answer and pins them (PROTOCOL §6). A record that fails spoils the answers of
 * its issuer and of nobody else; but one by a key that `own` does not have is thrown (`jws_unknown_key`) unless `own` is
 * fresh.
 */
export async function pinRecords(
  draft: PinDraft,
  tokens: readonly string[],
  { own, fresh }: { own: OnlineKeys; fresh: boolean },
  now: number,
): Promise<RecordFaults> {
  const faults = new Map<string, CountersignError>();
  for (const token of tokens) {
    const name = nameOf(token);
    try {
      pinRecord(draft, await verifyPartnerRecord(token, own, now), own);
    } catch (error) {
      const mayBeNewKey = !fresh && isCountersignError(error, 'jws_unknown_key');
      if (mayBeNewKey || !isCountersignError(error)) throw error;
      if (name !== null) faults.set(name, error);
    }
  }
  return faults;
}

/** Whom a record is about, before it is verified: only to know whose answers must not count. */
function nameOf(token: string): string | null {
  try {
    return decodeClaims(token, 'partner-record+jwt', partnerRecordSchema).partner.entity_id;
  } catch {
    return null;
  }
}

function pinRecord(draft: PinDraft, { version, exp, partner }: PartnerRecord, own: OnlineKeys): void {
  const known = draft.issuer(partner.entity_id);
  const root = partner.entity_id === own.iss ? own.rootThumbprint : known?.root_thumbprint;
  if (root !== undefined && root !== partner.root_thumbprint) {
    throw new CountersignError(
      'pin_changed',
      `${partner.entity_id} has another root now: ${partner.root_thumbprint}`,
    );
  }
  const pin: IssuerPin = {
    entity_id: partner.entity_id,
    root_thumbprint: partner.root_thumbprint,
    domains: partner.domains,
    status: partner.scope.includes('lookup') ? partner.status : 'suspended',
    version,
    expires: exp,
    serial: known?.serial ?? 0,
    ...(known?.compromised === undefined ? {} : { compromised: known.compromised }),
  };
  if (known !== undefined) assertContinues(known, pin);
  draft.setIssuer(pin);
}

function assertContinues(known: IssuerPin, pin: IssuerPin): void {
  if (pin.version < known.version) {
    throw new CountersignError('version_rollback', `record ${pin.version} is below ${known.version}`);
  }
  const same = pin.status === known.status && pin.domains.join() === known.domains.join();
  if (pin.version === known.version && !same) {
    throw new CountersignError(
      'statement_forked',
      `there are two records ${pin.version} of ${pin.entity_id}`,
    );
  }
}

/**
 * The pinned record of this issuer, to judge `address` by. A domain in two records counts in neither while both are in
 * force: the own bridge could otherwise take a partner's domain by writing it into another record. Throws
 * `issuer_unknown`, `domain_not_approved`, and `jws_expired` when the record was not renewed.
 */
export function pinnedIssuer(draft: PinDraft, entityId: string, address: string, now: number): IssuerPin {
  const pin = draft.issuer(entityId);
  if (pin === undefined) throw new CountersignError('issuer_unknown', entityId);
  if (!isInForce(pin, now)) {
    throw new CountersignError('jws_expired', `the pinned record of ${entityId} has expired`);
  }
  const { domain } = parseAddress(address);
  const other = draft.issuersOf(domain).find((each) => each.entity_id !== entityId && isInForce(each, now));
  if (other !== undefined) {
    throw new CountersignError('domain_not_approved', `${domain} is pinned for ${other.entity_id} too`);
  }
  return pin;
}

/**
 * Whether a look-up may help: records come with look-ups, and this one is missing or too old. The same code says that
 * something else has expired; then the look-up was in vain.
 */
export function mayLackRecord(error: unknown): boolean {
  return isCountersignError(error, 'issuer_unknown') || isCountersignError(error, 'jws_expired');
}

function isInForce({ expires }: IssuerPin, now: number): boolean {
  return now < expires + CLOCK_SKEW;
}
