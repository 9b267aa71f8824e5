import * as z from 'zod';
import { JSON_BODY_BYTES } from '../../lib/limits.ts';
import type { StreamView } from '../../signals/stream.ts';
import { statusSchema, subjectChangeSchema, verificationSchema } from '../../signals/stream-input.ts';
import { defineRoute, type Route, receiverOf } from '../route.ts';
import type { SsfRoutesDeps } from './ssf-poll.ts';

const streamStatusSchema = z.strictObject({
  stream_id: z.string(),
  status: z.enum(['enabled', 'paused', 'disabled']),
  reason: z.string().optional(),
});

const open = { tag: 'federation', authentication: 'receiver' } as const;

/** The status of a stream, of whom it tells, and its verification (SSF 1.0 §8.1.2 to §8.1.4). */
export function ssfSubjectRoutes({ sentSignals: { streams } }: SsfRoutesDeps): Route[] {
  const subjects = (path: string, wanted: boolean, summary: string, status: 200 | 204) =>
    defineRoute({
      ...{ method: 'post', path, summary, ...open },
      body: { schema: subjectChangeSchema, maxBytes: JSON_BODY_BYTES },
      response: { status, description: 'So it is from now on' },
      errors: ['stream_unknown', 'rate_limited'],
      handle: async ({ body, ...request }) => {
        const receiver = receiverOf(request);
        await streams.wants(receiver, body.stream_id, body.subject, wanted);
        return { text: '', mediaType: 'text/plain' };
      },
    });
  return [
    defineRoute({
      ...{ method: 'get', path: '/ssf/v1/status', summary: 'The status of a stream', ...open },
      query: z.strictObject({ stream_id: z.string().max(64) }),
      response: { status: 200, description: 'The status', schema: streamStatusSchema },
      errors: ['stream_unknown'],
      handle: async ({ query, ...request }) => {
        const receiver = receiverOf(request);
        return { body: statusOf(await streams.get(receiver, query.stream_id)) };
      },
    }),
    defineRoute({
      ...{ method: 'post', path: '/ssf/v1/status', ...open },
      summary: 'Pause, enable or disable a stream; what waits is kept unless it is disabled',
      body: { schema: statusSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 200, description: 'The status', schema: streamStatusSchema },
      errors: ['stream_unknown', 'forbidden'],
      handle: async ({ body, context, ...request }) => {
        const receiver = receiverOf(request);
        return { body: statusOf(await streams.setStatus(receiver, body, context)) };
      },
    }),
    subjects('/ssf/v1/subjects/add', true, 'Hear of a subject again that was removed', 200),
    subjects('/ssf/v1/subjects/remove', false, 'Hear no more of a subject', 204),
    defineRoute({
      ...{ method: 'post', path: '/ssf/v1/verification', ...open },
      summary: 'Have a verification event sent over the stream',
      body: { schema: verificationSchema, maxBytes: JSON_BODY_BYTES },
      response: { status: 204, description: 'It is on its way' },
      errors: ['stream_unknown', 'rate_limited'],
      handle: async ({ body, ...request }) => {
        const receiver = receiverOf(request);
        await streams.verify(receiver, body.stream_id, body.state);
        return { body: null };
      },
    }),
  ];
}

function statusOf({ stream_id, status, reason }: StreamView) {
  return { stream_id, status, ...(reason === null ? {} : { reason }) };
}
