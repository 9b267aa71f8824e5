import * as z from 'zod';
import { CountersignError } from '../../../protocol/errors.ts';
import { eventProofSchema } from '../../../protocol/events/event-proof.ts';
import type { EventProofs } from '../../events/log-proofs.ts';
import { EVENT_HASHES } from '../../lib/limits.ts';
import type { Decide } from '../../policy/decision.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import type { Route } from '../route.ts';

const seq = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, 'must be a whole number from 1')
  .transform(Number);

const rangeSchema = z.strictObject({
  /** The first `seq`. */
  from: seq,
  /** The last one. */
  to: seq,
});

/** What proves copies of the event log: its checkpoints, and which hashes stand under them. */
export function eventLogRoutes(deps: {
  readonly eventProofs: EventProofs;
  readonly decide: Decide;
}): Route[] {
  const { eventProofs: proofs, decide } = deps;
  return [
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-events',
      path: '/v1/events/checkpoint',
      summary: 'The newest signed checkpoint of the event log',
      tag: 'events',
      response: { status: 200, description: 'The signed note', mediaType: 'text/plain' },
      errors: ['checkpoint_unknown'],
      handle: async () => ({ text: await proofs.checkpoint(), mediaType: 'text/plain; charset=utf-8' }),
    }),
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-events',
      path: '/v1/events/proof',
      summary: 'What proves that the events of a range are all of them, and unaltered',
      tag: 'events',
      query: rangeSchema,
      response: { status: 200, description: 'The proof', schema: eventProofSchema },
      errors: ['malformed_request', 'checkpoint_unknown'],
      handle: async ({ query }) => ({ body: await proofs.prove(query) }),
    }),
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-events',
      path: '/v1/events/hashes',
      summary: 'The hashes of the events of a range, those whose content is pruned too: 32 bytes each',
      tag: 'events',
      query: rangeSchema,
      response: { status: 200, description: 'The hashes', mediaType: 'application/octet-stream' },
      errors: ['malformed_request', 'checkpoint_unknown'],
      handle: async ({ query: { from, to } }) => {
        if (to - from >= EVENT_HASHES) {
          throw new CountersignError('malformed_request', `up to ${EVENT_HASHES} events at a time`);
        }
        return { text: await proofs.hashes({ from, to }), mediaType: 'application/octet-stream' };
      },
    }),
  ];
}
