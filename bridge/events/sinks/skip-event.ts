import { CountersignError } from '../../../protocol/errors.ts';
import { SINK_EVENT_PAGE } from '../../lib/limits.ts';
import type { Query } from '../../storage/database.ts';
import { storeDeadLetters } from '../delivery/dead-letters.ts';
import { passesFilter } from '../delivery/event-filter.ts';
import { findState, moveOn } from '../delivery/sink-states.ts';
import type { StoredEvent } from '../event.ts';
import { readEvents } from '../event-store.ts';
import { succeeded } from '../succeeded.ts';
import type { SinkFilter } from './sink-input.ts';
import type { Sinks } from './sinks.ts';
import type { SinkReader, SinksDeps } from './sinks-deps.ts';

/** Lays aside the event that a sink stands at. */
export function createSkipping(deps: SinksDeps, reader: SinkReader): Pick<Sinks, 'skip'> {
  const { database, clock, events, delivery } = deps;
  return {
    async skip(id, by) {
      const { id: sink, name, filter } = reader.definition(await reader.find(id));
      const skipped = await database.transaction(async (tx) => {
        const state = await findState(tx, sink);
        const event = state && (await nextEvent(tx, state.settled, filter));
        if (event === undefined) throw new CountersignError('conflict', 'No event waits for this sink.');
        const { seq, event_id, type } = event;
        if (!(await moveOn(tx, sink, state?.settled ?? 0, seq))) {
          throw new CountersignError('conflict', 'The sink has moved on meanwhile.');
        }
        const words =
          `Skipped by an administrator. ${state?.failures ? (state.error_detail ?? '') : ''}`.trim();
        await storeDeadLetters(tx, sink, [{ seq, event_id, words }], clock.now());
        const data = { sink, name, seq, event: event_id };
        await events.append(tx, succeeded({ type: 'sink.event_skipped', data }, by));
        return { seq, event_id, type };
      });
      await delivery.wake(sink);
      return skipped;
    },
  };
}

async function nextEvent(
  query: Query,
  settled: number,
  filter: SinkFilter,
): Promise<StoredEvent | undefined> {
  for (let since = settled; ; ) {
    const page = await readEvents(query, since, SINK_EVENT_PAGE);
    const found = page.find((event) => passesFilter(event, filter));
    const last = page.at(-1);
    if (found !== undefined || last === undefined) return found;
    since = last.seq;
  }
}
