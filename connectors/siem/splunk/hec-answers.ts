import * as z from 'zod';
import type { ReceiverAnswer } from '../http/http-receiver.ts';
import type { SinkFault } from '../http/receiver-faults.ts';

/** What the collector answers to events. */
export const hecAccepted = z.object({
  text: z.string(),
  code: z.literal(0),
  ackId: z.number().int().optional(),
});

/** What the collector answers to the question which requests are indexed. */
export const hecAcks = z.object({ acks: z.record(z.string(), z.boolean()) });

/**
 * Answers of 400 that speak of the token's settings and not of the events ('Possible error codes' of the HTTP Event
 * Collector): incorrect index, data channel missing, invalid data channel, acknowledgement disabled, query string
 * authorization disabled.
 */
const OF_THE_TOKEN = new Set([7, 10, 11, 14, 16]);

const refusal = z.object({ code: z.number() });

/** What the collector's own code says where the status alone would be misread. */
export function hecFault({ status, text }: ReceiverAnswer): SinkFault | undefined {
  if (status !== 400) return undefined;
  const parsed = refusal.safeParse(parse(text));
  return parsed.success && OF_THE_TOKEN.has(parsed.data.code) ? 'sink_misconfigured' : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
