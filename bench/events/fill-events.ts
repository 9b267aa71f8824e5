import { createEventLog } from '../../bridge/events/database-event-log.ts';
import { eventBody } from '../../bridge/events/event.ts';
import { stageEvents } from '../../bridge/events/event-store.ts';
import { systemClock as clock } from '../../bridge/lib/clock.ts';
import { newId } from '../../bridge/lib/ids.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { someEvent } from './some-event.ts';

const GROUP = 2_000;

/** Puts so many events into the log of a bridge that does not run, each with its place. Answers how many a second. */
export async function fillEvents(
  { database, iss }: { readonly database: Database; readonly iss: string },
  count: number,
): Promise<number> {
  const log = createEventLog({ database, clock, logger: createLogger({ level: 'error' }), iss });
  const begun = performance.now();
  for (let made = 0; made < count; made += GROUP) {
    const size = Math.min(GROUP, count - made);
    const bodies = Array.from({ length: size }, (_, index) =>
      eventBody(someEvent(made + index), newId(), clock.now()),
    );
    await database.transaction((tx) => stageEvents(tx, bodies));
    await log.settled();
  }
  return count / ((performance.now() - begun) / 1_000);
}
