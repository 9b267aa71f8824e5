import { CountersignError, type ErrorCode } from '../../protocol/errors.ts';
import {
  BRIDGE_REQUESTS_PER_MINUTE,
  REFUSALS_PER_MINUTE,
  REQUESTS_PER_MINUTE,
  SIGN_IN_RATE_PER_MINUTE,
} from '../lib/limits.ts';
import { subscriberOf } from '../lib/networks.ts';
import { type Keyspace, keyspace } from '../storage/cache.ts';

const MINUTE_MS = 60_000;

/** Where bridges ask each other, by requests that they sign. */
export function isOfBridges(path: string): boolean {
  return path.startsWith('/federation/v1/');
}

/** Where identity providers push signals, each with a token of its own. */
function isOfTransmitters(path: string): boolean {
  return path.startsWith('/signals/v1/connections/');
}

/** What a bridge's request is refused with while nobody knows yet whose it is. */
const UNVERIFIED =
  /^(jws_\w+|claims_invalid|malformed_request|payload_too_large|unsupported_media_type|not_found|method_not_allowed|partner_unknown|partner_suspended|key_compromised|root_mismatch|serial_rollback|replayed|unauthenticated)$/;

/**
 * Whether a refusal counts as probing. One of a partner's verified request, or of a transmitter that showed its token, does
 * not: it was made on somebody's behalf, and one person must not keep out all others of their company.
 */
export function isProbing(path: string, code: ErrorCode): boolean {
  return !(isOfBridges(path) || isOfTransmitters(path)) || UNVERIFIED.test(code);
}

/**
 * Fixed windows per client address: of requests, and more narrowly of refused ones (guessing, probing) and of begun
 * sign-ins, which anybody can begin and each of which is remembered. IPv6 counts by /64: whoever has one address of it
 * has all of them.
 */
export interface RateLimit {
  /** Counts a request. Throws `rate_limited`. */
  admit(address: string): Promise<void>;
  /** The same for a path where bridges ask: one of them asks for all of its people. */
  admitBridge(address: string): Promise<void>;
  /** Counts a refusal against later requests of the same address. */
  noteRefusal(address: string): Promise<void>;
  /** Counts a sign-in that an app begins. Throws `rate_limited`. */
  admitSignIn(address: string): Promise<void>;
}

export function createRateLimit(cache: Keyspace): RateLimit {
  const requests = keyspace(cache, 'requests');
  const bridgeRequests = keyspace(cache, 'bridge-requests');
  const refusals = keyspace(cache, 'refusals');
  const signIns = keyspace(cache, 'begun-sign-ins');

  async function admitTo(counted: Keyspace, most: number, address: string): Promise<void> {
    const who = subscriberOf(address);
    const refused = Number((await refusals.get(who)) ?? 0);
    if (refused >= REFUSALS_PER_MINUTE || (await counted.increment(who, MINUTE_MS)) > most) {
      throw rateLimited();
    }
  }

  return {
    admit: (address) => admitTo(requests, REQUESTS_PER_MINUTE, address),
    admitBridge: (address) => admitTo(bridgeRequests, BRIDGE_REQUESTS_PER_MINUTE, address),
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
