import { setTimeout as wait } from 'node:timers/promises';
import { MEETING_RECHECK_MS, MEETING_RETRY_MS } from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';

export interface MeetingName {
  /** Its home bridge. */
  readonly home: string;
  readonly group: string;
}

/** Looks at everybody again who listens to a meeting: once for all who ask for it in a moment. */
export interface Rechecks {
  ask(meeting: MeetingName): void;
  stop(): Promise<void>;
}

export function createRechecks(deps: {
  readonly logger: Logger;
  readonly recheck: (meeting: MeetingName) => Promise<void>;
}): Rechecks {
  const stopping = new AbortController();
  const { signal } = stopping;
  const waiting = new Map<string, MeetingName>();
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    let failed = false;
    while (waiting.size > 0 && !signal.aborted) {
      const pause = failed ? MEETING_RETRY_MS : MEETING_RECHECK_MS;
      await wait(pause, undefined, { signal }).catch(() => undefined);
      failed = false;
      const meetings = [...waiting];
      waiting.clear();
      for (const [key, meeting] of meetings) {
        if (signal.aborted) return;
        if (await succeeds(meeting)) continue;
        waiting.set(key, meeting);
        failed = true;
      }
    }
  }

  async function succeeds(meeting: MeetingName): Promise<boolean> {
    try {
      await deps.recheck(meeting);
      return true;
    } catch (err) {
      deps.logger.warn({ err, group: meeting.group }, 'who listens to a meeting was not looked at again');
      return false;
    }
  }

  return {
    ask(meeting) {
      waiting.set(`${meeting.home} ${meeting.group}`, meeting);
      running ??= run().finally(() => {
        running = undefined;
      });
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
