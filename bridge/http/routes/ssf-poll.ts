import * as z from 'zod';
import { JSON_BODY_BYTES } from '../../lib/limits.ts';
import type { SentSignals } from '../../signals/sent-signals.ts';
import { pollSchema } from '../../signals/stream-input.ts';
import { defineRoute, type Route, receiverOf } from '../route.ts';

export interface SsfRoutesDeps {
  readonly issuer: string;
  readonly sentSignals: Pick<SentSignals, 'receivers' | 'tokens' | 'streams' | 'poll' | 'keys'>;
}

/** Where a stream is fetched, below the issuer. */
export function pollPath(stream: string): string {
  return `/ssf/v1/poll/${stream}`;
}

/** Where a receiver fetches its signals (RFC 8936). */
export function ssfPollRoutes({ sentSignals: { poll } }: SsfRoutesDeps): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: pollPath(':stream'),
      summary: 'Acknowledge signals and fetch the next ones; waits for some unless told not to (RFC 8936)',
      tag: 'federation',
      authentication: 'receiver',
      body: { schema: pollSchema, maxBytes: JSON_BODY_BYTES },
      response: {
        status: 200,
        description: 'Security event tokens by their jti',
        schema: z.strictObject({
          sets: z.record(z.string(), z.string()),
          moreAvailable: z.literal(true).optional(),
        }),
      },
      errors: ['stream_unknown', 'malformed_request'],
      handle: async ({ body, params, signal, ...request }) => {
        const receiver = receiverOf(request);
        return { body: await poll(receiver, params.stream ?? '', body, signal) };
      },
    }),
  ];
}
