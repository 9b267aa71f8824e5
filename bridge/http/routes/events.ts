import * as z from 'zod';
import { CountersignError } from '../../../protocol/errors.ts';
import type { StoredEvent } from '../../events/event.ts';
import type { EventLog } from '../../events/event-log.ts';
import type { LiveEvents } from '../../events/live-events.ts';
import { EVENT_PAGE } from '../../lib/limits.ts';
import type { Decide } from '../../policy/decision.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import { wantsStream } from '../event-streams.ts';
import type { Route, StreamResponse } from '../route.ts';

const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .transform(Number);

const querySchema = z.strictObject({
  /** The `seq` after which to go on; 0 from the beginning. */
  since: wholeNumber.default(0),
  limit: wholeNumber.pipe(z.int().min(1).max(EVENT_PAGE)).default(EVENT_PAGE),
});

export interface EventRoutesDeps {
  readonly events: EventLog;
  readonly liveEvents: LiveEvents;
  readonly decide: Decide;
}

/** The security event log. Who reads it goes on with the last `seq` that they got: nothing is skipped. */
export function eventRoutes({ events, liveEvents, decide }: EventRoutesDeps): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-events',
      path: '/v1/events',
      summary: 'Security events in the order of their seq: one JSON object a line, or as a stream',
      tag: 'events',
      query: querySchema,
      response: {
        status: 200,
        description: 'Events with a seq above `since`',
        mediaType: 'application/x-ndjson',
        streams: true,
      },
      errors: ['malformed_request'],
      handle: async ({ query, headers, administrator }) => {
        if (wantsStream(headers.accept)) {
          const since = resumeFrom(headers['last-event-id']) ?? query.since;
          return streamOf(liveEvents, since, administrator?.id ?? '');
        }
        const page = await events.page(query);
        return {
          text: page.map((event) => `${JSON.stringify(event)}\n`).join(''),
          mediaType: 'application/x-ndjson',
        };
      },
    }),
  ];
}

/** Each event with its `seq` as the id: a reader that comes back with the last one goes on behind it. */
function streamOf(live: LiveEvents, since: number, administrator: string): StreamResponse {
  return {
    reader: `administrator ${administrator}`,
    open: async function* (signal) {
      for await (const page of live.follow(since, signal)) {
        for (const event of page) {
          yield { id: String(event.seq), data: JSON.stringify(event) };
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
function resumeFrom(header: string | string[] | undefined): number | undefined {
  if (header === undefined || header === '') return undefined;
  const parsed = wholeNumber.safeParse(header);
  if (!parsed.success)
    throw new CountersignError('malformed_request', 'Last-Event-ID must be a whole number');
  return parsed.data;
}
