import type { Json } from '../../protocol/canonical-json.ts';

/** An event as sinks get it: the same members as `GET /v1/events` answers, redacted as the sink is configured. */
export interface SinkEvent {
  readonly v: 1;
  readonly seq: number;
  /** UUIDv7: receivers tell repeats by it. */
  readonly event_id: string;
  /** RFC 3339 in UTC, with milliseconds. */
  readonly time: string;
  readonly type: string;
  readonly actor: { readonly kind: string; readonly [name: string]: string | undefined };
  readonly subject: { readonly [name: string]: string | undefined };
  readonly outcome: 'success' | 'failure';
  readonly code: string | null;
  readonly request_id: string | null;
  readonly trace_id: string | null;
  readonly data: { readonly [name: string]: Json };
  /**
   * 128 random bits that are hashed with the event. Absent where personal data was taken out: nobody can find out by
   * the hash what it was. Absent too in events from before there were salts.
   */
  readonly salt?: string | undefined;
  readonly prev: string;
  readonly hash: string;
  /** Which way personal data was taken out: `hash` is then of more than what is here. Absent where all is. */
  readonly redaction?: 'drop' | 'hmac';
  /** Id of the replay that brings it once more; absent where it comes for the first time. */
  readonly replay?: string;
}
