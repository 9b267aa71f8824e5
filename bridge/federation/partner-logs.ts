import { decodeBase64url } from '../../protocol/base64url.ts';
import { isCountersignError } from '../../protocol/errors.ts';
import { verifyOnlineKeys } from '../../protocol/online-keys.ts';
import { logOrigin } from '../../protocol/tlog/checkpoint.ts';
import { ED25519_NOTE, type VerifierKey, verifierKey } from '../../protocol/tlog/verifier-key.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import type { Database } from '../storage/database.ts';
import { listPartners, type Partner } from './partner-store.ts';
import type { Partners } from './partners.ts';

/** The keys under which an active partner signs checkpoints of the log of this origin; none for anybody else's. */
export type FindPartnerLogKeys = (origin: string) => Promise<readonly VerifierKey[]>;

export function createFindPartnerLogKeys(deps: {
  database: Database;
  clock: Clock;
  partners: Pick<Partners, 'refreshUnlessRecent'>;
}): FindPartnerLogKeys {
  const { database, clock, partners } = deps;

  async function keysOf(partner: Partner, origin: string): Promise<VerifierKey[]> {
    const expected = {
      iss: partner.entity_id,
      rootThumbprint: partner.root_thumbprint,
      leastSerial: partner.serial,
    };
    const keys = await verifyOnlineKeys(partner.online_keys, expected, seconds(clock));
    return keys.all('log').map(({ jwk }) => verifierKey(origin, ED25519_NOTE, decodeBase64url(jwk.x, 32)));
  }

  return async (origin) => {
    const active = (await database.read(listPartners)).filter(({ status }) => status === 'active');
    const partner = active.find(({ entity_id: entityId }) => logOrigin(entityId) === origin);
    if (partner === undefined) return [];
    try {
      return await keysOf(partner, origin);
    } catch (error) {
      if (!isCountersignError(error, 'jws_expired')) throw error;
      const refreshed = await partners.refreshUnlessRecent(partner.entity_id);
      return refreshed.status === 'active' ? keysOf(refreshed, origin) : [];
    }
  };
}
