import { isCountersignError } from '../../protocol/errors.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { type LookUpResult, lookUpResultSchema } from '../../protocol/look-up.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { LOOKUP_MAX_AGE_S } from '../lib/limits.ts';
import { type Keyspace, keyspace } from '../storage/cache.ts';
import type { Partner } from './partner-store.ts';

/**
 * Partners' verified answers, for as long as an asker's `max_age` allows (PROTOCOL §5), never until a credential's
 * `exp`. An answer counts only under the version of the partner's record that it was verified under.
 */
export interface AnswerCache {
  get(partner: Partner, address: string, maxAge: number): Promise<LookUpResult | undefined>;
  put(partner: Partner, result: LookUpResult): Promise<void>;
}

export function createAnswerCache(deps: { cache: Keyspace; clock: Clock }): AnswerCache {
  const answers = keyspace(deps.cache, 'partner-answers');
  const name = (partner: Partner, address: string) =>
    sha256Base64url(`${partner.entity_id} ${partner.version} ${address}`);
  return {
    async get(partner, address, maxAge) {
      if (maxAge === 0) return undefined;
      const text = await answers.get(name(partner, address));
      if (text === undefined) return undefined;
      const result = lookUpResultSchema.parse(JSON.parse(text));
      return seconds(deps.clock) - result.as_of <= maxAge ? result : undefined;
    },
    async put(partner, result) {
      try {
        await answers.set(name(partner, result.address), JSON.stringify(result), LOOKUP_MAX_AGE_S * 1000);
      } catch (error) {
        // Too long for the cache: it is asked for again then.
        if (!isCountersignError(error, 'payload_too_large')) throw error;
      }
    },
  };
}
