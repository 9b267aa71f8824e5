import { CountersignError } from '../../../protocol/errors.ts';
import { passesFilter } from '../../events/delivery/event-filter.ts';
import type { StoredEvent } from '../../events/event.ts';
import type { EventPlace, EventQueries } from '../../events/event-queries.ts';
import type { LiveEvents } from '../../events/live-events.ts';
import type { Decide } from '../../policy/decision.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import { wantsStream } from '../event-streams.ts';
import { type EventsQuery, eventsQuerySchema, filterOf, questionFrom, wholeNumber } from '../events-query.ts';
import type { Route, StreamResponse } from '../route.ts';

const PATH = '/v1/events';

export interface EventRoutesDeps {
  readonly issuer: string;
  readonly eventQueries: EventQueries;
  readonly liveEvents: LiveEvents;
  readonly decide: Decide;
}

/**
 * The security event log. Who reads it follows `Link: rel="next"`, or goes on with the last `seq` that they got: nothing
 * is skipped.
 */
export function eventRoutes(deps: EventRoutesDeps): Route[] {
  const { issuer, eventQueries, decide } = deps;
  return [
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-events',
      path: PATH,
      summary: 'Security events in the order of their seq: one JSON object a line, or as a stream',
      tag: 'events',
      query: eventsQuerySchema,
      response: {
        status: 200,
        description:
          'Events behind `since`. `Link: rel="next"` goes on from there, also while there is nothing new; it is missing once all up to `until` was answered',
        mediaType: 'application/x-ndjson',
        streams: true,
      },
      errors: ['malformed_request', 'events_pruned'],
      handle: async ({ query, headers, administrator }) => {
        if (wantsStream(headers.accept)) {
          return streamOf(deps, withResumption(query, headers['last-event-id']), administrator?.id ?? '');
        }
        const { events, next, ended } = await eventQueries.ask({ ...query, filter: filterOf(query) });
        return {
          text: events.map((event) => `${JSON.stringify(event)}\n`).join(''),
          mediaType: 'application/x-ndjson',
          ...(ended
            ? {}
            : { headers: { Link: `<${issuer}${PATH}?${questionFrom(query, next)}>; rel="next"` } }),
        };
      },
    }),
  ];
}

/** Each event with its `seq` as the id: a reader that comes back with the last one goes on behind it. */
async function streamOf(
  deps: EventRoutesDeps,
  query: EventsQuery,
  administrator: string,
): Promise<StreamResponse> {
  if (query.until !== undefined) throw new CountersignError('malformed_request', 'A stream has no end.');
  const filter = filterOf(query);
  const pages = await deps.liveEvents.follow(await deps.eventQueries.positionOf(query.since));
  return {
    reader: `administrator ${administrator}`,
    open: async function* (signal) {
      for await (const page of pages(signal)) {
        for (const event of page) {
          if (passesFilter(event, filter)) yield { id: String(event.seq), data: JSON.stringify(event) };
          if (endsReading(event, administrator)) return;
        }
      }
    },
  };
}

/** Whoever may not read any more must not learn what comes after that. */
function endsReading({ type, data }: StoredEvent, administrator: string): boolean {
  return type === 'admin.token_revoked' && data.id === administrator;
}

/** The header that a reader sends when it comes back (WHATWG HTML §9.2.4): the `seq` that it got last. */
function withResumption(query: EventsQuery, header: string | string[] | undefined): EventsQuery {
  if (header === undefined || header === '') return query;
  const parsed = wholeNumber.safeParse(header);
  if (!parsed.success)
    throw new CountersignError('malformed_request', 'Last-Event-ID must be a whole number');
  const since: EventPlace = { seq: parsed.data };
  return { ...query, since };
}
