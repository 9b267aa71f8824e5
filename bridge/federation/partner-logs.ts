import { decodeBase64url } from '../../protocol/base64url.ts';
import { isCountersignError } from '../../protocol/errors.ts';
import { verifyOnlineKeys } from '../../protocol/online-keys.ts';
import { logOrigin } from '../../protocol/tlog/checkpoint.ts';
import { ED25519_NOTE, type VerifierKey, verifierKey } from '../../protocol/tlog/verifier-key.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import type { Database } from '../storage/database.ts';
import { listPartners, type Partner } from './partner-store.ts';
import type { Partners } from './partners.ts';

/** The keys under which an active partner signs checkpoints of its log. */
export interface PartnerLogKeys {
  readonly keys: readonly VerifierKey[];
  /**
   * The keys as the partner says them now, for a checkpoint under one that is not among them: it may have been rotated
   * since the daily check. Those that are known, where the partner was read within the minute: anybody can cause this.
   */
  refresh(): Promise<readonly VerifierKey[]>;
}

/** Of the log of this origin; `undefined` for anybody's but an active partner's. */
export type FindPartnerLogKeys = (origin: string) => Promise<PartnerLogKeys | undefined>;

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

  async function refresh(partner: Partner, origin: string): Promise<VerifierKey[]> {
    const refreshed = await partners.refreshUnlessRecent(partner.entity_id);
    return refreshed.status === 'active' ? keysOf(refreshed, origin) : [];
  }

  async function known(partner: Partner, origin: string): Promise<VerifierKey[]> {
    try {
      return await keysOf(partner, origin);
    } catch (error) {
      if (!isCountersignError(error, 'jws_expired')) throw error;
      return refresh(partner, origin);
    }
  }

  return async (origin) => {
    const active = (await database.read(listPartners)).filter(({ status }) => status === 'active');
    const partner = active.find(({ entity_id: entityId }) => logOrigin(entityId) === origin);
    if (partner === undefined) return undefined;
    return { keys: await known(partner, origin), refresh: () => refresh(partner, origin) };
  };
}
