import { isCountersignError } from '../../protocol/errors.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { type LookUpResult, lookUpResultSchema } from '../../protocol/look-up.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { LOOKUP_MAX_AGE_S } from '../lib/limits.ts';
import { type Keyspace, keyspace } from '../storage/cache.ts';
import type { Partner } from './partner-store.ts';

/** Keeps one answer, unless the address was forgotten since the partner was asked. */
export type RememberAnswer = (result: LookUpResult) => Promise<void>;

/**
 * Partners' verified answers, for as long as an asker's `max_age` allows (PROTOCOL §5), never until a credential's
 * `exp`, and not beyond a partner's word that something changed. An answer counts only under the version of the partner's
 * record that it was verified under.
 */
export interface AnswerCache {
  get(partner: Partner, address: string, maxAge: number): Promise<LookUpResult | undefined>;
  /** To be called before the partner is asked. */
  asking(partner: Partner, addresses: readonly string[]): Promise<RememberAnswer>;
  /** Forgets what the partner said of this address, and what it was asked before and says from now on. */
  forget(partner: Partner, address: string): Promise<void>;
}

export function createAnswerCache(deps: { cache: Keyspace; clock: Clock }): AnswerCache {
  const answers = keyspace(deps.cache, 'partner-answers');
  const forgotten = keyspace(deps.cache, 'forgotten-answers');
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

    async asking(partner, addresses) {
      const marks = new Map(
        await Promise.all(
          addresses.map(async (address) => [address, await forgotten.get(name(partner, address))] as const),
        ),
      );
      return async (result) => {
        const key = name(partner, result.address);
        try {
          await answers.set(key, JSON.stringify(result), LOOKUP_MAX_AGE_S * 1000);
        } catch (error) {
          // Too long for the cache: it is asked for again then.
          if (!isCountersignError(error, 'payload_too_large')) throw error;
        }
        // Looked at after it is set, while forgetting marks before it deletes: one of the two deletes it.
        if ((await forgotten.get(key)) !== marks.get(result.address)) await answers.delete(key);
      };
    },

    async forget(partner, address) {
      const key = name(partner, address);
      await forgotten.set(key, newId(), LOOKUP_MAX_AGE_S * 1000);
      await answers.delete(key);
    },
  };
}
