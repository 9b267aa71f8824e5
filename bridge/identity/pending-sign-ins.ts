import * as z from 'zod';
import type { PendingLogin, UpstreamIdentity } from '../../connectors/identity/connector.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { newHandle } from '../lib/ids.ts';
import { ONE_TIME_HANDLE_LIFE_S, SIGN_IN_LIFE_S } from '../lib/limits.ts';
import { type Keyspace, keyspace } from '../storage/cache.ts';

/** What is remembered while somebody is at the IdP. */
export interface BegunSignIn {
  readonly interaction: string;
  readonly connectionId: string;
  readonly pending: PendingLogin;
}

/** Who somebody is, verified, until their browser takes it. Without the evidence: it is not kept anywhere. */
export interface CompletedSignIn {
  readonly interaction: string;
  readonly connectionId: string;
  readonly identity: Omit<UpstreamIdentity, 'evidence' | 'groups'>;
}

const begunSchema = z.object({
  interaction: z.string(),
  connectionId: z.string(),
  pending: z.record(z.string(), z.string()),
});

/** The short-lived state of sign-ins, in the cache, each under an unguessable handle that is used once. */
export interface PendingSignIns {
  /** For `state` and `RelayState`: made before the connector is asked, stored after it. */
  newHandle(): string;
  begin(handle: string, begun: BegunSignIn): Promise<void>;
  /** Throws `replayed` for a handle that was taken before, `sign_in_unknown` for one that is none (any more). */
  takeBegun(handle: string): Promise<BegunSignIn>;
  /** Answers the one-time handle of the result. */
  complete(completed: CompletedSignIn): Promise<string>;
  /** Throws `sign_in_foreign` for another interaction, which leaves the result to the right one; else as above. */
  takeCompleted(handle: string, interaction: string): Promise<CompletedSignIn>;
}

export function createPendingSignIns(cache: Keyspace): PendingSignIns {
  const begun = keyspace(cache, 'sign-in-begun');
  const completed = keyspace(cache, 'sign-in-completed');

  /** Of two that bring the same handle at once, one gets it; the other learns that it was used. */
  const take = async (from: Keyspace, handle: string): Promise<string> => {
    const key = sha256Base64url(handle);
    const value = await from.get(key);
    if (value === undefined) throw new CountersignError('sign_in_unknown');
    const first = await from.consumeOnce(key, SIGN_IN_LIFE_S * 1000);
    if (!first) throw new CountersignError('replayed');
    return value;
  };

  return {
    newHandle,

    begin: (handle, value) =>
      begun.set(sha256Base64url(handle), JSON.stringify(value), SIGN_IN_LIFE_S * 1000),

    async takeBegun(handle) {
      return begunSchema.parse(JSON.parse(await take(begun, handle)));
    },

    async complete(value) {
      const handle = newHandle();
      await completed.set(sha256Base64url(handle), JSON.stringify(value), ONE_TIME_HANDLE_LIFE_S * 1000);
      return handle;
    },

    async takeCompleted(handle, interaction) {
      const seen = await completed.get(sha256Base64url(handle));
      if (seen !== undefined && (JSON.parse(seen) as CompletedSignIn).interaction !== interaction) {
        throw new CountersignError('sign_in_foreign');
      }
      const value = JSON.parse(await take(completed, handle)) as CompletedSignIn;
      if (value.interaction !== interaction) throw new CountersignError('sign_in_foreign');
      return value;
    },
  };
}
