import type { EventLog } from '../../events/event-log.ts';
import type { Clock } from '../../lib/clock.ts';
import { POLICY_FAILURE_REPORT_MS } from '../../lib/limits.ts';
import { SYSTEM } from '../../lib/request-context.ts';

/** What could not be decided, or not be taken up. */
export interface PolicyFailure {
  readonly reason: string;
  readonly hash?: string | undefined;
  readonly action?: string | undefined;
}

/** Reports failures as events: not where they happen, which may be within a transaction, and not each of thousands. */
export interface PolicyFailures {
  note(failure: PolicyFailure): void;
  /** Writes what was noted. */
  report(): Promise<void>;
}

export function createPolicyFailures(deps: {
  readonly events: Pick<EventLog, 'record'>;
  readonly clock: Clock;
}): PolicyFailures {
  /** By what they say: one of each. */
  const noted = new Map<string, PolicyFailure>();
  const reported = new Map<string, number>();

  return {
    note(failure) {
      const name = JSON.stringify([failure.reason, failure.hash, failure.action]);
      const before = reported.get(name);
      if (before !== undefined && deps.clock.now() - before < POLICY_FAILURE_REPORT_MS) return;
      noted.set(name, failure);
    },
    async report() {
      for (const [name, { reason, hash, action }] of [...noted]) {
        await deps.events.record({
          type: 'policy.failed',
          actor: SYSTEM.actor,
          subject: {},
          outcome: 'failure',
          requestId: SYSTEM.requestId,
          data: {
            reason,
            ...(hash === undefined ? {} : { hash }),
            ...(action === undefined ? {} : { action }),
          },
        });
        noted.delete(name);
        if (reported.size > KINDS) reported.clear();
        reported.set(name, deps.clock.now());
      }
    },
  };
}

/** Different failures of which it is remembered when they were reported; some tens are possible. */
const KINDS = 256;
