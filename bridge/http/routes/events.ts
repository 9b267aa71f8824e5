import * as z from 'zod';
import type { EventLog } from '../../events/event-log.ts';
import { EVENT_PAGE } from '../../lib/limits.ts';
import type { Decide } from '../../policy/decision.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import type { Route } from '../route.ts';

const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .transform(Number);

const querySchema = z.strictObject({
  /** The `seq` after which to go on; 0 from the beginning. */
  since: wholeNumber.default(0),
  limit: wholeNumber.pipe(z.int().min(1).max(EVENT_PAGE)).default(EVENT_PAGE),
});

/** The security event log. Who reads it goes on with the last `seq` that they got: nothing is skipped. */
export function eventRoutes({ events, decide }: { events: EventLog; decide: Decide }): Route[] {
  return [
    defineAdministratorRoute(
      decide,
      {
        method: 'get',
        path: '/v1/events',
        summary: 'Security events in the order of their seq, one JSON object a line',
        tag: 'events',
        query: querySchema,
        response: {
          status: 200,
          description: 'Events with a seq above `since`',
          mediaType: 'application/x-ndjson',
        },
        errors: ['malformed_request'],
        handle: async ({ query }) => {
          const page = await events.page(query);
          return {
            text: page.map((event) => `${JSON.stringify(event)}\n`).join(''),
            mediaType: 'application/x-ndjson',
          };
        },
      },
      'read-events',
    ),
  ];
}
