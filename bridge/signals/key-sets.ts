import { createRemoteJWKSet, customFetch, errors } from 'jose';
import * as z from 'zod';
import { CountersignError } from '../../protocol/errors.ts';
import { KEY_SET_LIFE_MS, KEY_SET_PAUSE_MS } from '../lib/limits.ts';
import type { Outbound } from '../lib/outbound.ts';

/** Finds the key that a token names. */
export type PublishedKeys = ReturnType<typeof createRemoteJWKSet>;

/** The keys that others publish (RFC 7517), fetched through the outbound door and kept for some minutes. */
export interface KeySets {
  /** Finds the key that a token names; asks again for an unknown one, but not at every token. */
  of(uri: string): PublishedKeys;
  /** Fetches now; how many keys there are that may have signed. Throws `upstream_unreachable`, `upstream_invalid`. */
  count(uri: string): Promise<number>;
}

const documentSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) });

export function createKeySets({ outbound }: { outbound: Pick<Outbound, 'fetch' | 'text'> }): KeySets {
  const known = new Map<string, PublishedKeys>();
  return {
    of(uri) {
      const keys =
        known.get(uri) ??
        createRemoteJWKSet(new URL(uri), {
          [customFetch]: outbound.fetch,
          cacheMaxAge: KEY_SET_LIFE_MS,
          cooldownDuration: KEY_SET_PAUSE_MS,
        });
      known.set(uri, keys);
      return keys;
    },

    async count(uri) {
      const text = await outbound.text(uri, { accept: 'application/json' }).catch((cause: unknown) => {
        throw unreachable(cause);
      });
      try {
        const { keys } = documentSchema.parse(JSON.parse(text));
        return keys.filter(({ kty, use }) => ['RSA', 'EC'].includes(kty) && (use ?? 'sig') === 'sig').length;
      } catch (cause) {
        throw new CountersignError('upstream_invalid', 'There is no key set at the jwks_uri.', { cause });
      }
    },
  };
}

/** What is not the token's fault is told as that: the sender tries again later. */
export function isKeySetFault(error: unknown): boolean {
  if (error instanceof CountersignError) return true;
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return false;
  return error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid || isPlainFault(error);
}

/** The library says so where the set was answered with another status than 200. */
function isPlainFault(error: unknown): boolean {
  return error instanceof errors.JOSEError && error.code === 'ERR_JOSE_GENERIC';
}

export function unreachable(cause: unknown): CountersignError {
  return new CountersignError('upstream_unreachable', 'The keys of the transmitter cannot be read.', {
    cause,
  });
}
