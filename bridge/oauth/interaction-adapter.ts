import { type Adapter, errors } from 'oidc-provider';
import { type Keyspace, keyspace } from '../storage/cache.ts';

const REQUEST_URI = 'urn:ietf:params:oauth:request_uri:';
/** Ids that the library makes are 43 characters. */
const ID_LENGTH = 128;

/** What a sign-in under way is made from, and where it is remembered which one each pushed request began. */
export interface InteractionDeps {
  readonly cache: Keyspace;
  /** Of interactions, and of pushed requests: both in the cache. */
  readonly interactions: Adapter;
  readonly takeRequest: (id: string) => Promise<boolean>;
}

/**
 * Sign-ins under way. A pushed request begins one, and is taken when it does: whoever opened its address a thousand times would
 * fill the cache otherwise. An interaction is gone on with once, so that it makes one code.
 */
export function interactionAdapter({ cache, interactions, takeRequest }: InteractionDeps): Adapter {
  const begun = begunBy(cache);
  const ended = keyspace(cache, 'oauth-ended-interaction');
  return {
    ...interactions,
    async upsert(id, payload, life) {
      const { parJti: request, lastSubmission } = payload;
      // One that follows upon another of the same browser, which is gone by then, needs no request any more.
      const begins = request !== undefined && lastSubmission === undefined;
      if (begins && (await interactions.find(id)) === undefined) {
        if (!(await takeRequest(String(request)))) {
          throw new errors.InvalidRequestUri('request_uri is invalid, expired, or was already used');
        }
        await begun.set(String(request), id, Math.max(1, life ?? 1) * 1000);
      }
      await interactions.upsert(id, payload, life);
    },
    /** The library looks first: of two at once, both find it. */
    async destroy(id) {
      if ((await ended.increment(id, ENDED_MEMORY_MS)) > 1) {
        throw new errors.SessionNotFound('interaction session not found');
      }
      await interactions.destroy(id);
    },
  };
}

/** Two requests that found the same interaction are under way at the same time. */
const ENDED_MEMORY_MS = 60_000;

/**
 * Finds the sign-in that a request's address has begun, for a browser that loads it again: it goes on with that. Another
 * browser has no cookie for it.
 */
export function findBegun(cache: Keyspace): (requestUri: string | null) => Promise<string | undefined> {
  const begun = begunBy(cache);
  return async (requestUri) => {
    if (requestUri === null || !requestUri.startsWith(REQUEST_URI)) return undefined;
    const id = requestUri.slice(REQUEST_URI.length);
    return id.length > ID_LENGTH ? undefined : begun.get(id);
  };
}

function begunBy(cache: Keyspace): Keyspace {
  return keyspace(cache, 'oauth-begun-request');
}
