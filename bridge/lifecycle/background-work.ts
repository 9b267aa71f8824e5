import { type Loop, startLoop } from '../lib/background.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import {
  CLEAN_UP_INTERVAL_MS,
  EXPIRY_INTERVAL_MS,
  KEYS_REFRESH_MS,
  PARTNER_RECHECK_S,
  RECHECK_INTERVAL_MS,
} from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import { type RequestContext, SYSTEM } from '../lib/request-context.ts';
import type { Database } from '../storage/database.ts';
import { purgeOneTime } from '../storage/one-time.ts';

/** Ends what was not finished in time; answers how many. */
interface Expiring {
  expire(): Promise<number>;
}

/** Forgets what has run out; answers how many. */
interface Purging {
  purge(): Promise<number>;
}

export interface BackgroundDeps {
  readonly database: Database;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Takes up what a command rotated while the bridge runs. */
  readonly signer: { refresh(): Promise<void> };
  readonly domains: { recheck(): Promise<number> };
  readonly partners: {
    list(): Promise<readonly { entity_id: string; status: string; checked: number }[]>;
    refresh(entityId: string, context: RequestContext): Promise<unknown>;
  };
  readonly expiring: readonly Expiring[];
  readonly purging: readonly Purging[];
}

/** What the bridge does by itself, besides the logs. Each run reads what there is to do from the store. */
export function startBackgroundWork(deps: BackgroundDeps): { stop(): Promise<void> } {
  const { database, logger, clock } = deps;
  const loop = (name: string, intervalMs: number, work: (signal: AbortSignal) => Promise<void>) =>
    startLoop(name, intervalMs, work, { logger });
  const loops: readonly Loop[] = [
    loop('refresh-keys', KEYS_REFRESH_MS, () => deps.signer.refresh()),
    loop('expire', EXPIRY_INTERVAL_MS, async () => {
      for (const part of deps.expiring) await part.expire();
    }),
    loop('clean-up', CLEAN_UP_INTERVAL_MS, async () => {
      for (const part of deps.purging) await part.purge();
      await database.transaction((tx) => purgeOneTime(tx, clock.now()));
    }),
    loop('recheck-domains', RECHECK_INTERVAL_MS, async () => {
      await deps.domains.recheck();
    }),
    loop('refresh-partners', RECHECK_INTERVAL_MS, (signal) => refreshPartners(deps, signal)),
  ];
  return {
    async stop() {
      await Promise.all(loops.map((each) => each.stop()));
    },
  };
}

/** One partner's fault must not keep the others from being read. */
async function refreshPartners(
  { partners, clock, logger }: BackgroundDeps,
  signal: AbortSignal,
): Promise<void> {
  const due = seconds(clock) - PARTNER_RECHECK_S;
  for (const { entity_id: partner, status, checked } of await partners.list()) {
    if (signal.aborted) return;
    if (status !== 'active' || checked > due) continue;
    try {
      await partners.refresh(partner, SYSTEM);
    } catch (err) {
      logger.warn({ err, partner }, 'a partner could not be read again');
    }
  }
}
