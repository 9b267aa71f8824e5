import { performance } from 'node:perf_hooks';
import { type Loop, startLoop } from '../lib/background.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { CLOCK_STEP_MS, CLOCK_WATCH_MS } from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import { SYSTEM } from '../lib/request-context.ts';
import type { EventLog } from './event-log.ts';

export interface ClockWatchDeps {
  readonly events: Pick<EventLog, 'record'>;
  readonly logger: Logger;
  /** What is watched. Default: the machine's own clock. */
  readonly clock?: Clock;
  /** Milliseconds by a clock that nobody can set. */
  readonly elapsed?: () => number;
  readonly intervalMs?: number;
}

/**
 * Reports steps of the machine's clock, held against the one that counts since the start of the machine: a clock that
 * is set back makes what has expired valid again. A machine that slept shows the same: it too missed that time.
 */
export function startClockWatch(deps: ClockWatchDeps): Loop {
  const { events, logger, clock = systemClock, elapsed = () => performance.now() } = deps;
  const ahead = () => clock.now() - elapsed();
  let last = ahead();
  async function look(): Promise<void> {
    const now = ahead();
    const by = Math.round(now - last);
    if (Math.abs(by) < CLOCK_STEP_MS) {
      // NTP slews: a slow drift is no step
      last = now;
      return;
    }
    await events.record({
      type: 'clock.stepped',
      actor: SYSTEM.actor,
      outcome: 'failure',
      requestId: SYSTEM.requestId,
      data: { by_ms: by },
    });
    last = now;
    logger.warn({ by_ms: by }, 'the clock of this machine was set');
  }
  return startLoop('clock', deps.intervalMs ?? CLOCK_WATCH_MS, look, { logger });
}
