import { CAEP } from './event-uris.ts';

/** What receivers may ask for. */
export const SUPPORTED_EVENTS: readonly string[] = Object.values(CAEP);

/** RFC 8935 and RFC 8936, as SSF 1.0 names them. */
export const DELIVERY_METHODS = { push: 'urn:ietf:rfc:8935', poll: 'urn:ietf:rfc:8936' } as const;

export type StreamStatus = 'enabled' | 'paused' | 'disabled';

/** A stream of signals to a receiver. Times in seconds. */
export interface StreamView {
  readonly stream_id: string;
  readonly receiver: string;
  readonly status: StreamStatus;
  /** Why it has this status, in the words of who changed it. */
  readonly reason: string | null;
  readonly method: 'push' | 'poll';
  readonly endpoint_url: string | null;
  readonly events_requested: readonly string[];
  readonly events_delivered: readonly string[];
  readonly description: string | null;
  /** When a verification was last asked for. */
  readonly verified: number | null;
  readonly created: number;
}

/** What is delivered of what was asked for: what is not known here is passed over (SSF 1.0). */
export function deliveredOf(requested: readonly string[]): string[] {
  return SUPPORTED_EVENTS.filter((uri) => requested.includes(uri));
}
