import { CountersignError } from '../../protocol/errors.ts';
import { sha256Base64url } from '../lib/hash.ts';
import { MEETING_PRESENCES_PER_MINUTE } from '../lib/limits.ts';
import { type Keyspace, keyspace } from '../storage/cache.ts';
import type { ProvingDevice } from './presence-evidence.ts';

/** Throws `rate_limited` for one proof or renewal of a device too many: each is verified and kept. */
export type LimitPresences = (group: string, device: ProvingDevice) => Promise<void>;

export function createPresenceRate(cache: Keyspace): LimitPresences {
  const rates = keyspace(cache, 'meeting-presences');
  return async (group, { iss, deviceId }) => {
    const shown = await rates.increment(sha256Base64url(`${group} ${iss} ${deviceId}`), 60_000);
    if (shown > MEETING_PRESENCES_PER_MINUTE) throw new CountersignError('rate_limited');
  };
}
