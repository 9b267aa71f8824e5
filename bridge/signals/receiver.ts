import * as z from 'zod';
import { domainName } from '../../protocol/claims.ts';
import {
  NAME_LENGTH,
  SIGNAL_RECEIVER_TOKEN_DAYS,
  SIGNAL_RECEIVER_TOKEN_OVERLAP_HOURS,
  URL_LENGTH,
} from '../lib/limits.ts';
import type { SignalQueue } from './queue-store.ts';
import type { StreamView } from './stream.ts';

const endpointHost = z
  .string()
  .max(253)
  .regex(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/, 'must be a host name in lower case');

const validDays = z
  .int()
  .min(1)
  .max(SIGNAL_RECEIVER_TOKEN_DAYS.most)
  .default(SIGNAL_RECEIVER_TOKEN_DAYS.usual)
  .describe('How long its token is valid');

export const newReceiverSchema = z.strictObject({
  name: z.string().trim().min(1).max(NAME_LENGTH),
  /** What its tokens name as `aud`. */
  audience: z
    .string()
    .min(1)
    .max(URL_LENGTH)
    .regex(/^[\x21-\x7e]+$/),
  /** How it knows people: by their address, or by `iss` and `sub` as its OAuth client. */
  subject_format: z.enum(['email', 'iss_sub']).default('email'),
  /** Whose people it is told of; absent: everybody’s. Each must be a verified domain. */
  domains: z
    .array(z.string().refine((domain) => domainName.safeParse(domain).success, 'must be a domain name'))
    .min(1)
    .max(50)
    .optional(),
  /** The one host that its stream may be pushed to; absent: any with public addresses. */
  endpoint_host: endpointHost.optional(),
  token_valid_days: validDays,
});

export type NewReceiver = z.input<typeof newReceiverSchema>;

/** What of a receiver can be changed. */
export const receiverChangeSchema = z.strictObject({
  endpoint_host: endpointHost.nullable().describe('null: any host with public addresses'),
});

export type ReceiverChange = z.infer<typeof receiverChangeSchema>;

export const tokenChangeSchema = z.strictObject({
  overlap_hours: z
    .int()
    .min(0)
    .max(SIGNAL_RECEIVER_TOKEN_OVERLAP_HOURS)
    .default(0)
    .describe('How long the token before stays valid; 0: it is void at once'),
  token_valid_days: validDays,
});

export type TokenChange = z.input<typeof tokenChangeSchema>;

/** Who may have a stream of signals. Times in seconds. */
export interface Receiver {
  /** `rcv_…`. */
  readonly id: string;
  readonly name: string;
  readonly audience: string;
  readonly subject_format: 'email' | 'iss_sub';
  /** null: everybody’s people. */
  readonly domains: readonly string[] | null;
  /** The one host that its stream may be pushed to, which may be an internal one; null: any with public addresses. */
  readonly endpoint_host: string | null;
  /** What an administrator has its stream be at least, until an administrator resumes it. */
  readonly held: 'paused' | 'disabled' | null;
  /** When its token ends. */
  readonly token_expires: number;
  /** When the token before ends, while that is valid too. */
  readonly former_token_expires: number | null;
  readonly created: number;
}

/** How delivery to somebody stands. Times in seconds. */
export interface DeliveryView {
  readonly waiting: number;
  readonly sent: number;
  readonly given_up: number;
  /** In a row. */
  readonly failures: number;
  readonly last_success: number | null;
  readonly last_error: { readonly time: number; readonly code: string; readonly detail: string } | null;
}

/** A receiver with its stream, as administrators see it. */
export interface ReceiverView extends Receiver {
  readonly stream:
    | (Pick<StreamView, 'stream_id' | 'status' | 'reason' | 'method' | 'events_delivered' | 'created'> & {
        /** Of its address, which may hold a secret, the host; null where the receiver polls. */
        readonly pushed_to: string | null;
      })
    | null;
  readonly delivery: DeliveryView;
}

/** The same for a partner. */
export interface PartnerDeliveryView {
  readonly partner: string;
  /** Addresses and people of whom it would be told. */
  readonly knows: number;
  readonly delivery: DeliveryView;
}

export function deliveryView(queue: SignalQueue | undefined, waiting: number): DeliveryView {
  const { error_time: time = null, error_code: code = null, error_detail: detail = null } = queue ?? {};
  return {
    waiting,
    sent: queue?.sent ?? 0,
    given_up: queue?.given_up ?? 0,
    failures: queue?.failures ?? 0,
    last_success: queue?.last_success ?? null,
    last_error: time === null ? null : { time, code: code ?? '', detail: detail ?? '' },
  };
}

/** Where a stream is pushed to; null where the receiver polls. */
export function pushedTo({ endpoint_url }: Pick<StreamView, 'endpoint_url'>): string | null {
  return endpoint_url === null ? null : new URL(endpoint_url).hostname;
}

/** Whether the receiver’s stream may be pushed where it is: the host may have been fixed since. */
export function mayBePushed(
  { endpoint_host }: Pick<Receiver, 'endpoint_host'>,
  stream: Pick<StreamView, 'endpoint_url'>,
): boolean {
  const host = pushedTo(stream);
  return host !== null && (endpoint_host === null || host === endpoint_host);
}
