import { CountersignError } from '../../protocol/errors.ts';
import { REFUSALS_PER_MINUTE, REQUESTS_PER_MINUTE, SIGN_IN_RATE_PER_MINUTE } from '../lib/limits.ts';
import { subscriberOf } from '../lib/networks.ts';
import { type Keyspace, keyspace } from '../storage/cache.ts';

const MINUTE_MS = 60_000;

/**
 * Fixed windows per client address: of requests, and more narrowly of refused ones (guessing, probing) and of begun
 * sign-ins, which anybody can begin and each of which is remembered. IPv6 counts by /64: whoever has one address of it
 * has all of them.
 */
export interface RateLimit {
  /** Counts a request. Throws `rate_limited`. */
  admit(address: string): Promise<void>;
  /** Counts a refusal against later requests of the same address. */
  noteRefusal(address: string): Promise<void>;
  /** Counts a sign-in that an app begins. Throws `rate_limited`. */
  admitSignIn(address: string): Promise<void>;
}

export function createRateLimit(cache: Keyspace): RateLimit {
  const requests = keyspace(cache, 'requests');
  const refusals = keyspace(cache, 'refusals');
  const signIns = keyspace(cache, 'begun-sign-ins');
  return {
    async admit(address) {
      const who = subscriberOf(address);
      const refused = Number((await refusals.get(who)) ?? 0);
      if (
        refused >= REFUSALS_PER_MINUTE ||
        (await requests.increment(who, MINUTE_MS)) > REQUESTS_PER_MINUTE
      ) {
        throw rateLimited();
      }
    },
    async noteRefusal(address) {
      await refusals.increment(subscriberOf(address), MINUTE_MS);
    },
    async admitSignIn(address) {
      if ((await signIns.increment(subscriberOf(address), MINUTE_MS)) > SIGN_IN_RATE_PER_MINUTE) {
        throw rateLimited();
      }
    },
  };
}

/** Windows end within a minute. */
function rateLimited(): CountersignError {
  return new CountersignError('rate_limited', undefined, { retryAfter: MINUTE_MS / 1000 });
}
