import * as z from 'zod';
import { CountersignError } from '../../../protocol/errors.ts';
import { JSON_BODY_BYTES, SIGNAL_VERIFICATION_INTERVAL_S } from '../../lib/limits.ts';
import type { Receiver } from '../../signals/receiver.ts';
import { DELIVERY_METHODS, type StreamView, SUPPORTED_EVENTS } from '../../signals/stream.ts';
import { assertFacts, changedStreamSchema, newStreamSchema } from '../../signals/stream-input.ts';
import { defineRoute, type Route, receiverOf } from '../route.ts';
import { pollPath, type SsfRoutesDeps } from './ssf-poll.ts';

export const STREAMS_PATH = '/ssf/v1/streams';

const streamSchema = z.strictObject({
  stream_id: z.string(),
  iss: z.string(),
  aud: z.string(),
  delivery: z.strictObject({ method: z.string(), endpoint_url: z.string() }),
  events_supported: z.array(z.string()),
  events_requested: z.array(z.string()),
  events_delivered: z.array(z.string()),
  min_verification_interval: z.int().describe('Seconds'),
  description: z.string().optional(),
});

const one = { status: 200, description: 'The stream', schema: streamSchema };
const changing = {
  path: STREAMS_PATH,
  ...({ tag: 'federation', authentication: 'receiver' } as const),
  body: { schema: changedStreamSchema, maxBytes: JSON_BODY_BYTES },
  response: one,
  errors: ['stream_unknown'] as const,
};

/** The streams of a receiver: one each, which it manages itself with its bearer token (SSF 1.0 §8.1.1). */
export function ssfStreamRoutes({ issuer, sentSignals: { streams } }: SsfRoutesDeps): Route[] {
  const shown = (receiver: Receiver, stream: StreamView) => configurationOf(issuer, receiver, stream);

  const change = (method: 'patch' | 'put', summary: string) =>
    defineRoute({
      ...changing,
      ...{ method, summary },
      handle: async ({ body, context, ...request }) => {
        const receiver = receiverOf(request);
        assertFacts(body, shown(receiver, await streams.get(receiver, body.stream_id)));
        const wanted = { ...body, all: method === 'put' };
        return { body: shown(receiver, await streams.change(receiver, wanted, context)) };
      },
    });

  return [
    defineRoute({
      method: 'post',
      path: STREAMS_PATH,
      summary: 'Make the stream of the receiver whose bearer token this is',
      ...{ tag: 'federation', authentication: 'receiver' },
      body: { schema: newStreamSchema, maxBytes: JSON_BODY_BYTES },
      response: { ...one, status: 201 },
      errors: ['stream_exists'],
      handle: async ({ body, context, ...request }) => {
        const receiver = receiverOf(request);
        return { body: shown(receiver, await streams.create(receiver, body, context)) };
      },
    }),
    defineRoute({
      method: 'get',
      path: STREAMS_PATH,
      summary: 'The stream of this id; without one, the list of the receiver’s streams',
      ...{ tag: 'federation', authentication: 'receiver' },
      query: z.strictObject({ stream_id: z.string().max(64).optional() }),
      response: { ...one, schema: z.union([streamSchema, z.array(streamSchema)]) },
      errors: ['stream_unknown'],
      handle: async ({ query, ...request }) => {
        const receiver = receiverOf(request);
        if (query.stream_id !== undefined) {
          return { body: shown(receiver, await streams.get(receiver, query.stream_id)) };
        }
        const stream = await streams.find(receiver);
        return { body: stream === undefined ? [] : [shown(receiver, stream)] };
      },
    }),
    change('patch', 'Change what is named of a stream'),
    change('put', 'Replace what the receiver decides of a stream'),
    defineRoute({
      method: 'delete',
      path: STREAMS_PATH,
      summary: 'Delete a stream, with what waits in it',
      ...{ tag: 'federation', authentication: 'receiver' },
      query: z.strictObject({ stream_id: z.string().max(64).optional() }),
      response: { status: 204, description: 'It is deleted' },
      errors: ['malformed_request', 'stream_unknown'],
      handle: async ({ query, context, ...request }) => {
        const receiver = receiverOf(request);
        const { stream_id: id } = query;
        if (id === undefined) throw new CountersignError('malformed_request', 'stream_id is missing');
        await streams.remove(receiver, id, context);
        return { body: null };
      },
    }),
  ];
}

/** SSF 1.0 §8.1.1. The header that it is pushed with is told to nobody, not even to who gave it. */
function configurationOf(issuer: string, { audience }: Receiver, stream: StreamView) {
  const { stream_id, method, endpoint_url, events_requested, events_delivered, description } = stream;
  return {
    ...{ stream_id, iss: issuer, aud: audience },
    delivery: {
      method: DELIVERY_METHODS[method],
      endpoint_url: endpoint_url ?? issuer + pollPath(stream_id),
    },
    ...{ events_supported: SUPPORTED_EVENTS, events_requested, events_delivered },
    min_verification_interval: SIGNAL_VERIFICATION_INTERVAL_S,
    ...(description === null ? {} : { description }),
  };
}
