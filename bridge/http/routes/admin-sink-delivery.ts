import * as z from 'zod';
import type { ErrorCode } from '../../../protocol/errors.ts';
import type { Sinks } from '../../events/sinks/sinks.ts';
import { DEAD_LETTER_PAGE, JSON_BODY_BYTES } from '../../lib/limits.ts';
import type { Decide } from '../../policy/decision.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import type { Route } from '../route.ts';
import { deadLettersSchema, replaySchema } from './admin-sink-schemas.ts';

const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .transform(Number);

const seq = z.int().min(1);
const time = z.iso.datetime({ offset: true });
const rangeSchema = z.union([
  z.strictObject({ from_seq: seq, to_seq: seq }).describe('Both inclusive'),
  z.strictObject({ from: time, to: time }).describe('`from` inclusive, `to` exclusive'),
]);

const whichSchema = z.strictObject({
  seqs: z.union([z.literal('all'), z.array(seq).min(1).max(DEAD_LETTER_PAGE)]),
});
const which = { schema: whichSchema, maxBytes: JSON_BODY_BYTES };

const LETTER_ERRORS: readonly ErrorCode[] = ['sink_unknown', 'dead_letter_unknown'];

interface Deps {
  readonly sinks: Sinks;
  readonly decide: Decide;
}

/** What came to a sink and what did not: replays, and the events that its receiver refuses. */
export function sinkDeliveryRoutes(deps: Deps, path: string): Route[] {
  return [
    ...replayRoutes(deps, `${path}/:sink/replays`),
    skipRoute(deps, `${path}/:sink/skip`),
    ...letterRoutes(deps, `${path}/:sink/dead-letters`),
  ];
}

function replayRoutes({ sinks, decide }: Deps, path: string): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-sinks',
      path,
      summary: 'Bring events once more, marked as a replay, beside those that come; by seq or by time',
      body: { schema: rangeSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 201, description: 'The replay', schema: replaySchema },
      errors: ['sink_unknown', 'sink_closed', 'events_pruned'],
      handle: async ({ params, body, context }) => ({
        body: await sinks.replay(params.sink ?? '', body, context),
      }),
    }),
    defineAdministratorRoute(decide, {
      method: 'delete',
      action: 'manage-sinks',
      path: `${path}/:replay`,
      summary: 'Stop a replay; what it brought stays',
      response: { status: 200, description: 'How far it came', schema: replaySchema },
      errors: ['sink_unknown', 'replay_unknown'],
      handle: async ({ params, context }) => ({
        body: await sinks.cancelReplay(params.sink ?? '', params.replay ?? '', context),
      }),
    }),
  ];
}

function skipRoute({ sinks, decide }: Deps, path: string): Route {
  return defineAdministratorRoute(decide, {
    method: 'post',
    action: 'manage-sinks',
    path,
    summary: 'Lay aside the event that the sink stands at, among its dead letters, and go on behind it',
    response: {
      status: 200,
      description: 'The event',
      schema: z.strictObject({ seq: z.int(), event_id: z.string(), type: z.string() }),
    },
    errors: ['sink_unknown', 'conflict'],
    handle: async ({ params, context }) => ({ body: await sinks.skip(params.sink ?? '', context) }),
  });
}

function letterRoutes({ sinks, decide }: Deps, path: string): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-sinks',
      path,
      summary: 'The events that the receiver refuses, with its words, in the order of seq',
      query: z.strictObject({
        /** The `seq` after which to go on. */
        after: wholeNumber.optional(),
        limit: wholeNumber.pipe(z.int().min(1).max(DEAD_LETTER_PAGE)).default(DEAD_LETTER_PAGE),
      }),
      response: { status: 200, description: 'The dead letters', schema: deadLettersSchema },
      errors: ['malformed_request', 'sink_unknown'],
      handle: async ({ params, query: { after, limit } }) => ({
        body: await sinks.deadLetters(params.sink ?? '', {
          limit,
          ...(after === undefined ? {} : { after }),
        }),
      }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-sinks',
      path: `${path}/resend`,
      summary: 'Send dead letters again; those that are taken leave the list',
      body: which,
      response: {
        status: 200,
        description: 'How many will be sent',
        schema: z.strictObject({ resent: z.int() }),
      },
      errors: LETTER_ERRORS,
      handle: async ({ params, body, context }) => ({
        body: await sinks.resend(params.sink ?? '', body.seqs, context),
      }),
    }),
    defineAdministratorRoute(decide, {
      method: 'post',
      action: 'manage-sinks',
      path: `${path}/discard`,
      summary: 'Forget dead letters: the receiver never gets these events',
      body: which,
      response: {
        status: 200,
        description: 'How many are forgotten',
        schema: z.strictObject({ discarded: z.int() }),
      },
      errors: LETTER_ERRORS,
      handle: async ({ params, body, context }) => ({
        body: await sinks.discard(params.sink ?? '', body.seqs, context),
      }),
    }),
  ];
}
