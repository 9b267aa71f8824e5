import { CountersignError } from '../../protocol/errors.ts';
import { REFUSALS_PER_MINUTE, REQUESTS_PER_MINUTE } from '../lib/limits.ts';
import { type Keyspace, keyspace } from '../storage/cache.ts';

const MINUTE_MS = 60_000;

/** Fixed windows per client address: of requests, and more narrowly of refused ones (guessing, probing). */
export interface RateLimit {
  /** Counts a request. Throws `rate_limited`. */
  admit(address: string): Promise<void>;
  /** Counts a refusal against later requests of the same address. */
  noteRefusal(address: string): Promise<void>;
}

export function createRateLimit(cache: Keyspace): RateLimit {
  const requests = keyspace(cache, 'requests');
  const refusals = keyspace(cache, 'refusals');
  return {
    async admit(address) {
      const refused = Number((await refusals.get(address)) ?? 0);
      if (
        refused >= REFUSALS_PER_MINUTE ||
        (await requests.increment(address, MINUTE_MS)) > REQUESTS_PER_MINUTE
      ) {
        throw new CountersignError('rate_limited');
      }
    },
    async noteRefusal(address) {
      await refusals.increment(address, MINUTE_MS);
    },
  };
}
