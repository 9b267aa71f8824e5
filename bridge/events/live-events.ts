import { createBell } from '../lib/bell.ts';
import { LIVE_EVENT_PAGE, LIVE_POLL_MS } from '../lib/limits.ts';
import type { SequencedEventLog } from './database-event-log.ts';
import type { StoredEvent } from './event.ts';

/** The event log as it grows. */
export interface LiveEvents {
  /**
   * Events with a `seq` above `since`, in order and without gaps, page by page; then those to come, until the signal
   * is aborted. The first page is read at once, so that who cannot be answered is told before anything else; throws
   * `events_pruned`, then and later. No other is read before the one before it was taken: a slow reader holds up itself alone.
   */
  follow(since: number): Promise<(signal: AbortSignal) => AsyncGenerator<readonly StoredEvent[], void>>;
}

export function createLiveEvents(log: Pick<SequencedEventLog, 'page' | 'onPublished'>): LiveEvents {
  const bell = createBell();
  log.onPublished(() => bell.ring());
  return {
    async follow(since) {
      let heard = bell.rings;
      let page = await log.page({ since, limit: LIVE_EVENT_PAGE });
      return async function* (signal) {
        for (let last = since; !signal.aborted; ) {
          last = page.at(-1)?.seq ?? last;
          if (page.length > 0) yield page;
          else await bell.wait(heard, LIVE_POLL_MS, signal);
          heard = bell.rings;
          page = await log.page({ since: last, limit: LIVE_EVENT_PAGE });
        }
      };
    },
  };
}
