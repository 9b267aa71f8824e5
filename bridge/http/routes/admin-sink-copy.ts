import * as z from 'zod';
import type { Sinks } from '../../events/sinks/sinks.ts';
import { administratorRequest } from '../../policy/changes/administrator-request.ts';
import { type Decide, requireAllowed } from '../../policy/decision.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import type { Route } from '../route.ts';

export const copyPartSchema = z.strictObject({
  lines: z
    .array(z.string())
    .describe('As they stand there, in the format of the sink; what is no event is not shown'),
  next: z.string().nullable().describe('For `after`, where there may be more'),
});

/**
 * The copy of the events that a sink’s receiver has: for who may read the sinks, and the events too. Auditors may, who
 * manage no sinks: nothing is answered but what reads as an event, so that it is no way to read anything else with the
 * credentials of the sink.
 */
export function sinkCopyRoute({ sinks, decide }: { sinks: Sinks; decide: Decide }, path: string): Route {
  return defineAdministratorRoute(decide, {
    method: 'get',
    action: 'read-sinks',
    path,
    summary: 'What the receiver has of the events, read back with the credentials of the sink, part by part',
    query: z.strictObject({
      /** What the part before named. */
      after: z.string().min(1).max(1_024).optional(),
    }),
    response: { status: 200, description: 'A part of the copy', schema: copyPartSchema },
    errors: ['malformed_request', 'sink_unknown', 'sink_unavailable', 'sink_misconfigured', 'conflict'],
    handle: async ({ params, query, administrator }) => {
      if (administrator === null) throw new TypeError('an administrator route without one');
      requireAllowed(decide, administratorRequest('read-events', administrator, { path: params, facts: {} }));
      const { lines, next } = await sinks.copy(params.sink ?? '', query.after);
      return { body: { lines: [...lines], next } };
    },
  });
}
