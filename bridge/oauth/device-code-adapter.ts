import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import { DEVICE_POLL_INTERVAL_S } from '../lib/limits.ts';
import { type Keyspace, keyspace } from '../storage/cache.ts';

/** A pause between polls is shortened by the way of the request; half of it is too quick in any case. */
const LEAST_PAUSE_MS = (DEVICE_POLL_INTERVAL_S * 1_000) / 2;
const USED_MEMORY_MS = 15 * 60_000;
/** Codes that the library makes are 43 characters. */
const CODE_LENGTH = 128;

/**
 * Device codes (RFC 8628): found by the device with the code, by the person with the user code. They may be lost: the
 * device begins again. Each is used once.
 */
export function deviceCodeAdapter(cache: Keyspace): Adapter {
  const codes = keyspace(cache, 'oauth-devicecode');
  const userCodes = keyspace(cache, 'oauth-usercode');
  const polls = keyspace(cache, 'oauth-devicepoll');

  async function read(id: string): Promise<AdapterPayload | undefined> {
    const value = id.length > CODE_LENGTH ? undefined : await codes.get(id);
    return value === undefined ? undefined : (JSON.parse(value) as AdapterPayload);
  }

  return {
    async upsert(id, payload, life) {
      const lifeMs = Math.max(1, life ?? 1) * 1000;
      await codes.set(id, JSON.stringify(payload), lifeMs);
      if (payload.userCode !== undefined) await userCodes.set(payload.userCode, id, lifeMs);
    },
    /** Only the polling device finds by the code itself. */
    async find(id) {
      const found = await read(id);
      if (found !== undefined && (await polls.increment(id, LEAST_PAUSE_MS)) > 1) throw new errors.SlowDown();
      return found;
    },
    async findByUserCode(userCode) {
      const id = await userCodes.get(userCode);
      return id === undefined ? undefined : read(id);
    },
    async consume(id) {
      if (!(await codes.consumeOnce(id, USED_MEMORY_MS))) throw new errors.InvalidGrant('already used');
      await codes.delete(id);
    },
    async destroy(id) {
      await codes.delete(id);
    },
    findByUid: async () => undefined,
    revokeByGrantId: async () => undefined,
  };
}
