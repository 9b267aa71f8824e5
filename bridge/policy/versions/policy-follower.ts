import { isCountersignError } from '../../../protocol/errors.ts';
import { type Loop, startLoop } from '../../lib/background.ts';
import { POLICY_POLL_MS } from '../../lib/limits.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Policy } from '../policy.ts';

/**
 * Does `askAgain` once this process has taken up another policy than it had: for what was allowed once and goes on. Where
 * that throws, it is done again at the next look.
 */
export function followPolicy(
  name: string,
  { policy, logger }: { readonly policy: Pick<Policy, 'hash'>; readonly logger: Logger },
  askAgain: () => Promise<void>,
): Loop {
  let asked = hashOf(policy);
  return startLoop(
    name,
    POLICY_POLL_MS,
    async () => {
      const hash = hashOf(policy);
      if (hash === undefined || hash === asked) return;
      await askAgain();
      asked = hash;
    },
    { logger },
  );
}

/** Nothing while no policy is in force: then there is none to ask. */
function hashOf(policy: Pick<Policy, 'hash'>): string | undefined {
  try {
    return policy.hash;
  } catch (error) {
    if (isCountersignError(error, 'policy_unavailable')) return undefined;
    throw error;
  }
}
