import { MEETING_MESSAGE_PAGE, MEETING_PAGE_LENGTH, MEETING_POLL_MS } from '../lib/limits.ts';
import type { Database } from '../storage/database.ts';
import type { RelaySource } from './feeds.ts';
import { readMessages } from './relay-message.ts';
import type { MeetingWakes } from './wakes.ts';

const PAGE = { messages: MEETING_MESSAGE_PAGE, length: MEETING_PAGE_LENGTH };

/** The messages of a meeting that is kept here. The store is the truth; being woken only spares the wait. */
export function createStoreSource(
  deps: { readonly database: Database; readonly wakes: MeetingWakes; readonly pollMs?: number },
  group: string,
): RelaySource {
  const { database, wakes, pollMs = MEETING_POLL_MS } = deps;
  let listening: ReturnType<MeetingWakes['listen']> | undefined;
  const readOn = (after: number) => database.read((query) => readMessages(query, group, after, PAGE));
  return {
    async read(after, { wait, signal }) {
      if (!wait) return readOn(after);
      listening ??= wakes.listen(group);
      const { bell } = listening;
      for (;;) {
        const heard = bell.rings;
        const page = await readOn(after);
        if (page.through > after || signal.aborted) return page;
        await bell.wait(heard, pollMs, signal);
      }
    },
    close() {
      listening?.close();
      listening = undefined;
    },
  };
}
