import * as z from 'zod';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { parseOutboundUrl } from '../lib/outbound.ts';
import { DELIVERY_METHODS } from './stream.ts';

/** A header line: nothing in it can begin another. */
const headerValue = z
  .string()
  .max(4096)
  .regex(/^[\x20-\x7e]*$/);

/** SSF 1.0 §7.1.1: members that nobody here knows are passed over, as the standard has it. */
const delivery = z.object({
  method: z.enum([DELIVERY_METHODS.push, DELIVERY_METHODS.poll]),
  endpoint_url: z.string().max(2048).optional(),
  authorization_header: headerValue.optional(),
});

/** What the receiver decides. */
const settings = {
  events_requested: z.array(z.string().max(256)).max(100).optional(),
  delivery: delivery.optional(),
  description: z.string().max(500).optional(),
};

/** What the transmitter decides: may be sent back, and must then be as it is. */
const facts = {
  iss: z.unknown().optional(),
  aud: z.unknown().optional(),
  events_supported: z.unknown().optional(),
  events_delivered: z.unknown().optional(),
  min_verification_interval: z.unknown().optional(),
};

export const newStreamSchema = z.object(settings);
export const changedStreamSchema = z.object({ stream_id: z.string().max(64), ...facts, ...settings });

export type ChangedStream = z.infer<typeof changedStreamSchema>;
export type DeliveryInput = z.infer<typeof delivery>;

export const statusSchema = z.object({
  stream_id: z.string().max(64),
  status: z.enum(['enabled', 'paused', 'disabled']),
  reason: z.string().max(500).optional(),
  /** A status is that of the whole stream here: one for a subject must not be taken for it. */
  subject: z.never().optional(),
});

/** RFC 9493. */
export const subjectSchema = z.discriminatedUnion('format', [
  z.strictObject({ format: z.literal('email'), email: z.string().min(3).max(254).toLowerCase() }),
  z.strictObject({
    format: z.literal('iss_sub'),
    iss: z.string().min(1).max(512),
    sub: z.string().min(1).max(255),
  }),
]);

export const subjectChangeSchema = z.object({
  stream_id: z.string().max(64),
  subject: subjectSchema,
  verified: z.boolean().optional(),
});

export const verificationSchema = z.object({
  stream_id: z.string().max(64),
  state: z.string().max(1024).optional(),
});

/** RFC 8936 §2.2. */
export const pollSchema = z.object({
  maxEvents: z.int().min(0).optional(),
  returnImmediately: z.boolean().default(false),
  ack: z.array(z.string().max(64)).max(1_000).default([]),
  setErrs: z
    .record(z.string().max(64), z.object({ err: z.string(), description: z.string().default('') }))
    .default({}),
});

export type PollRequest = z.infer<typeof pollSchema>;

/** Where a stream goes: an address that may be pushed to, on `host` where one is given, or none. Throws `malformed_request`. */
export function endpointOf(
  { method, endpoint_url }: DeliveryInput,
  host: string | null,
): {
  method: 'push' | 'poll';
  endpoint_url: string | null;
} {
  if (method === DELIVERY_METHODS.poll) return { method: 'poll', endpoint_url: null };
  try {
    const url = parseOutboundUrl(endpoint_url ?? '');
    if (url.hash !== '') throw new CountersignError('malformed_request', 'endpoint_url has a fragment');
    if (host !== null && url.hostname !== host) {
      throw new CountersignError('malformed_request', `endpoint_url must be on ${host}`);
    }
    return { method: 'push', endpoint_url: url.href };
  } catch (error) {
    if (!isCountersignError(error, 'outbound_refused')) throw error;
    throw new CountersignError('malformed_request', `endpoint_url: ${error.detail ?? ''}`, { cause: error });
  }
}

/** Holds what the receiver sent back against what it is. Throws `malformed_request`. */
export function assertFacts(sent: ChangedStream, known: { readonly [name: string]: unknown }): void {
  for (const name of Object.keys(facts) as (keyof typeof facts)[]) {
    if (sent[name] !== undefined && JSON.stringify(sent[name]) !== JSON.stringify(known[name])) {
      throw new CountersignError('malformed_request', `${name} is not the receiver’s to change`);
    }
  }
}
