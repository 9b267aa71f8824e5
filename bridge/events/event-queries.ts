import { EVENT_PAGE, EVENTS_SCANNED } from '../lib/limits.ts';
import type { Database } from '../storage/database.ts';
import { passesFilter } from './delivery/event-filter.ts';
import type { StoredEvent } from './event.ts';
import type { EventLog } from './event-log.ts';
import { seqBefore } from './event-positions.ts';
import type { SinkFilter } from './sinks/sink-input.ts';

/** A place in the log: a `seq`, or a moment. */
export type EventPlace = { readonly seq: number } | { readonly time: Date };

export interface EventQuery {
  /** Events behind this `seq`, or of this moment and later. */
  readonly since: EventPlace;
  /** Up to this `seq` (with it), or before this moment. */
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
  const positionOf = async (place: EventPlace): Promise<number> =>
    'seq' in place ? place.seq : deps.database.read((query) => seqBefore(query, place.time.getTime()));

  return {
    positionOf,

    async ask({ since, until, filter, limit }) {
      const isOver = endOf(until);
      const found: StoredEvent[] = [];
      let next = await positionOf(since);
      for (let scanned = 0; scanned < EVENTS_SCANNED; ) {
        const page = await deps.events.page({ since: next, limit: EVENT_PAGE });
        for (const event of page) {
          if (isOver(event)) return { events: found, next, ended: true };
          next = event.seq;
          if (isFrom(since, event) && passesFilter(event, filter)) found.push(event);
          if (found.length === limit) return { events: found, next, ended: isLast(until, next) };
        }
        scanned += page.length;
        if (page.length < EVENT_PAGE) break;
      }
      return { events: found, next, ended: isLast(until, next) };
    },
  };
}

/** Near a moment, places in the log and times are not in quite the same order. */
function isFrom(since: EventPlace, { time }: StoredEvent): boolean {
  return 'seq' in since || Date.parse(time) >= since.time.getTime();
}

function endOf(until: EventPlace | undefined): (event: StoredEvent) => boolean {
  if (until === undefined) return () => false;
  if ('seq' in until) return ({ seq }) => seq > until.seq;
  const end = until.time.getTime();
  return ({ time }) => Date.parse(time) >= end;
}

function isLast(until: EventPlace | undefined, seq: number): boolean {
  return until !== undefined && 'seq' in until && seq >= until.seq;
}
