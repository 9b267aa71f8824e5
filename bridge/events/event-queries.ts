import { EVENT_PAGE, EVENTS_SCANNED } from '../lib/limits.ts';
import type { Database } from '../storage/database.ts';
import { passesFilter } from './delivery/event-filter.ts';
import type { StoredEvent } from './event.ts';
import type { EventLog } from './event-log.ts';
import { boundaryAt, type TimeBoundary } from './event-positions.ts';
import type { SinkFilter } from './sinks/sink-input.ts';

/** A place in the log: a `seq`, or a moment. */
export type EventPlace = { readonly seq: number } | { readonly time: Date };

export interface EventQuery {
  /** Events behind this `seq`, or from the first of this moment on. */
  readonly since: EventPlace;
  /** Up to this `seq` (with it), or up to the first event of this moment (without it). */
  readonly until?: EventPlace | undefined;
  readonly filter: SinkFilter;
  /** Events in the answer. */
  readonly limit: number;
}

export interface EventAnswer {
  readonly events: readonly StoredEvent[];
  /** The `seq` behind which the next question goes on. */
  readonly next: number;
  /** Whether all up to `until` was answered: a question without `until` is never at its end. */
  readonly ended: boolean;
}

/** Questions to the event log, as whoever pulls events asks them. */
export interface EventQueries {
  /** In the order of `seq`. Where the filter lets little pass, fewer than `limit`, and `next` is still further on. */
  ask(query: EventQuery): Promise<EventAnswer>;
  /** The `seq` behind which a place lies. */
  positionOf(place: EventPlace): Promise<number>;
}

export function createEventQueries(deps: {
  readonly database: Database;
  readonly events: Pick<EventLog, 'page'>;
}): EventQueries {
  const boundary = (time: Date): Promise<TimeBoundary> =>
    deps.database.read((query) => boundaryAt(query, time.getTime()));

  const positionOf = async (place: EventPlace): Promise<number> =>
    'seq' in place ? place.seq : (await boundary(place.time)).seq - 1;

  async function endOf(until: EventPlace | undefined): Promise<End> {
    if (until === undefined) return { last: Number.POSITIVE_INFINITY, settled: false };
    if ('seq' in until) return { last: until.seq, settled: true };
    const { seq, settled } = await boundary(until.time);
    return { last: seq - 1, settled };
  }

  return {
    positionOf,

    async ask({ since, until, filter, limit }) {
      const end = await endOf(until);
      const found: StoredEvent[] = [];
      let next = await positionOf(since);
      const answer = () => ({ events: found, next, ended: end.settled && next >= end.last });
      for (let scanned = 0; scanned < EVENTS_SCANNED && next < end.last; ) {
        const page = await deps.events.page({ since: next, limit: EVENT_PAGE });
        for (const event of page) {
          if (event.seq > end.last) return answer();
          next = event.seq;
          if (passesFilter(event, filter)) found.push(event);
          if (found.length === limit) return answer();
        }
        scanned += page.length;
        if (page.length < EVENT_PAGE) break;
      }
      return answer();
    },
  };
}

/** Up to which `seq` is answered now, and whether that is all that there will be. */
interface End {
  readonly last: number;
  readonly settled: boolean;
}
