import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import type { OnlineKeys } from '../../protocol/online-keys.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { PARTNER_REFRESH_PAUSE_MS } from '../lib/limits.ts';
import type { Database } from '../storage/database.ts';
import { pinnedKeys } from './bridge-calls.ts';
import { asPartnerFault } from './partner-faults.ts';
import { findPartner, type Partner } from './partner-store.ts';
import type { Partners } from './partners.ts';

/**
 * Verifies what a partner is said to have signed, under the keys that its pinned root vouches for; reads the partner
 * once more where it may have newer ones. `entityId` may come from whoever brought it: it only chooses the keys.
 *
 * Throws `partner_unknown`, `partner_suspended`, what `verify` throws, and `partner_expired` where the keys that we have of it
 * ran out and it could not be read again: no fault of what was signed.
 */
export type VerifyByPartner = <Verified>(
  entityId: string,
  verify: (partner: Partner, keys: OnlineKeys, now: number) => Promise<Verified>,
) => Promise<{ readonly partner: Partner; readonly verified: Verified }>;

export function createVerifyByPartner(deps: {
  readonly database: Database;
  readonly partners: Pick<Partners, 'refreshUnlessRecent'>;
  readonly clock: Clock;
}): VerifyByPartner {
  const { database, clock } = deps;
  return async (entityId, verify) => {
    const partner = await database.read((query) => findPartner(query, entityId));
    if (partner === undefined || partner.status === 'removed') throw new CountersignError('partner_unknown');
    if (partner.status === 'suspended') throw new CountersignError('partner_suspended');
    const under = async (current: Partner) => {
      const now = seconds(clock);
      return { partner: current, verified: await verify(current, await keysOf(current, now), now) };
    };
    try {
      return await under(partner);
    } catch (error) {
      if (!isCountersignError(error, 'jws_unknown_key') && !isCountersignError(error, 'partner_expired')) {
        throw error;
      }
      const refreshed = await deps.partners.refreshUnlessRecent(partner.entity_id);
      if (refreshed.status !== 'active' || refreshed.online_keys === partner.online_keys) throw error;
      return under(refreshed);
    }
  };
}

/** What is wrong with the partner's keys must not pass for a fault of what it signed. */
async function keysOf(partner: Partner, now: number): Promise<OnlineKeys> {
  try {
    return await pinnedKeys(partner, now);
  } catch (cause) {
    const { code, detail } = asPartnerFault(cause);
    throw new CountersignError(code, detail, { cause, retryAfter: PARTNER_REFRESH_PAUSE_MS / 1000 });
  }
}
