import { type Loop, startLoop } from '../lib/background.ts';
import type { Clock } from '../lib/clock.ts';
import { firstIdOf, timeOfId } from '../lib/ids.ts';
import {
  EVENT_PRUNING_LOOK_MS,
  EVENT_PRUNING_MS,
  EVENT_PRUNING_SPAN_MS,
  EVENTS_PRUNED,
} from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import { SYSTEM } from '../lib/request-context.ts';
import type { Database, Query } from '../storage/database.ts';
import { newestSigned, newestTimeUntil } from '../tlog/checkpoint-store.ts';
import { createClockDoubt } from './clock-doubt.ts';
import type { EventLog } from './event-log.ts';
import { EVENT_TREE } from './log-tree.ts';
import { deletePruned, eventIdOf, lastBefore, readPruned, storePruned } from './prune-store.ts';

export interface EventPruningDeps {
  readonly database: Database;
  readonly events: Pick<EventLog, 'append'>;
  readonly clock: Clock;
  /** Milliseconds by a clock that nobody can set. */
  readonly elapsed?: () => number;
  readonly logger: Logger;
  /** 0: nothing is ever pruned. */
  readonly retentionDays: number;
  /** The lowest `seq` whose content a sink still needs. */
  readonly oldestNeeded: (query: Query) => Promise<number>;
}

/**
 * Deletes the content of events that are older than they are to be kept, the oldest first, and says so by an event.
 * Kept are what a sink still needs and what no signed checkpoint covers yet; their hashes stay in the tree, so that
 * whoever has a copy can still prove it. Content that is gone does not come back when the clock is put right: nothing
 * is pruned by a clock in doubt, and no more at once than what was reported within a week.
 */
export interface EventPruning {
  start(): void;
  stop(): Promise<void>;
  /** Prunes what there is to prune of the oldest week, once a day at most. */
  prune(signal?: AbortSignal): Promise<void>;
}

const DAY_MS = 86_400_000;

export function createEventPruning(deps: EventPruningDeps): EventPruning {
  const { database, events, clock, retentionDays } = deps;
  const doubt = createClockDoubt(deps);
  let loop: Loop | undefined;

  /**
   * A bridge that was restarted has nothing but its checkpoints to hold the clock against. One of a day ago shows that
   * this clock went on evenly since, however often the bridge was restarted meanwhile; the newest, that it was not set back.
   */
  async function isClockInDoubt(query: Query): Promise<boolean> {
    const now = clock.now();
    const newest = (await newestSigned(query, EVENT_TREE))?.time_ms;
    const dayOld = await newestTimeUntil(query, EVENT_TREE, now - DAY_MS);
    return doubt.isInDoubt([newest, dayOld].filter((time) => time !== undefined));
  }

  async function prunable(query: Query): Promise<number> {
    const { seq } = await readPruned(query);
    const covered = (await newestSigned(query, EVENT_TREE))?.size ?? 0;
    const needed = await deps.oldestNeeded(query);
    const oldest = await eventIdOf(query, seq + 1);
    if (oldest === undefined) return seq;
    const old = Math.min(clock.now() - retentionDays * DAY_MS, timeOfId(oldest) + EVENT_PRUNING_SPAN_MS);
    return lastBefore(query, firstIdOf(old), seq, Math.min(covered, needed - 1));
  }

  /** Of two replicas that do so at once one finds the other's mark. */
  async function declare(): Promise<void> {
    if (await database.read(isClockInDoubt)) return;
    const to = await database.read(prunable);
    await database.transaction(async (tx) => {
      const { seq, time } = await readPruned(tx);
      if (seq >= to || Math.abs(clock.now() - time) < EVENT_PRUNING_MS) return;
      await storePruned(tx, { seq: to, time: clock.now() });
      await events.append(tx, {
        ...{ type: 'log.pruned', actor: SYSTEM.actor, outcome: 'success' },
        data: { from_seq: seq + 1, to_seq: to, retention_days: retentionDays },
      });
    });
  }

  async function prune(signal?: AbortSignal): Promise<void> {
    if (retentionDays > 0) await declare();
    const { seq } = await database.read(readPruned);
    while (!signal?.aborted) {
      const deleted = await database.transaction((tx) => deletePruned(tx, seq, EVENTS_PRUNED));
      if (deleted === 0) return;
    }
  }

  return {
    start() {
      loop ??= startLoop('prune-events', EVENT_PRUNING_LOOK_MS, prune, deps);
    },
    async stop() {
      await loop?.stop();
      loop = undefined;
    },
    prune,
  };
}
