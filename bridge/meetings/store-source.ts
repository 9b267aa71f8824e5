import { MEETING_MESSAGE_PAGE, MEETING_POLL_MS } from '../lib/limits.ts';
import type { Database } from '../storage/database.ts';
import type { RelaySource } from './feeds.ts';
import { readMessages } from './relay-message.ts';
import type { MeetingWakes } from './wakes.ts';

/** The messages of a meeting that is kept here. The store is the truth; being woken only spares the wait. */
export function createStoreSource(
  deps: { readonly database: Database; readonly wakes: MeetingWakes; readonly pollMs?: number },
  group: string,
): RelaySource {
  const { database, wakes, pollMs = MEETING_POLL_MS } = deps;
  let listening: ReturnType<MeetingWakes['listen']> | undefined;
  return {
    async read(after, { wait, signal }) {
      listening ??= wakes.listen(group);
      const { bell } = listening;
      for (;;) {
        const heard = bell.rings;
        const page = await database.read((query) => readMessages(query, group, after, MEETING_MESSAGE_PAGE));
        if (page.through > after || !wait || signal.aborted) return page;
        await bell.wait(heard, pollMs, signal);
      }
    },
    close() {
      listening?.close();
      listening = undefined;
    },
  };
}
