import { CountersignError } from '../../protocol/errors.ts';
import { LOG_DOUBT_RETRY_MS } from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import type { LogDoubt } from './start-doubt.ts';

/** Whether the store may be signed from, as long as the process runs. */
export interface HeadTrust {
  /**
   * Looks, at the start. Throws `state_refused` where the store is not the newest. A doubt is logged, and stays a
   * reason against readiness until a later look settles it.
   */
  look(): Promise<void>;
  /** What is asked before each signature. Throws `state_refused`; `unavailable` while in doubt. */
  assertTrusted(): Promise<void>;
  /** What came up while the bridge runs (a witness has seen more than we have, or another history): for good. */
  distrust(reason: string): void;
  /** Why nothing is signed; empty when all is well. */
  reasons(): readonly string[];
}

export interface HeadTrustDeps {
  /** `assertHeadTrusted`, of what is to be held against each other. */
  readonly check: () => Promise<LogDoubt | undefined>;
  readonly logger: Logger;
}

export function createHeadTrust({ check, logger }: HeadTrustDeps): HeadTrust {
  let doubt: string | undefined =
    'Whether the key log in the store is the newest has not been looked at yet.';
  let distrusted: string | undefined;
  /** By the process's own clock: one that was put back must not hold the next look up. */
  let nextLook = 0;

  async function look(): Promise<void> {
    nextLook = performance.now() + LOG_DOUBT_RETRY_MS;
    const before = doubt;
    doubt = (await check())?.reason;
    if (doubt !== undefined && doubt !== before) logger.warn(doubt);
  }

  return {
    look,
    async assertTrusted() {
      if (distrusted !== undefined) throw new CountersignError('state_refused', distrusted);
      if (doubt === undefined) return;
      if (performance.now() >= nextLook) await look();
      if (doubt !== undefined) throw new CountersignError('unavailable', doubt);
    },
    distrust(reason) {
      distrusted ??= reason;
      logger.error(reason);
    },
    reasons: () => [distrusted, doubt].filter((reason) => reason !== undefined),
  };
}
