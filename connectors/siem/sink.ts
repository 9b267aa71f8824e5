import type { Json } from '../../protocol/canonical-json.ts';

/** An event as sinks get it: the same members as `GET /v1/events` answers. */
export interface SinkEvent {
  readonly v: 1;
  readonly seq: number;
  readonly event_id: string;
  readonly time: string;
  readonly type: string;
  readonly actor: { readonly kind: string };
  readonly subject: object;
  readonly outcome: 'success' | 'failure';
  readonly code: string | null;
  readonly request_id: string | null;
  readonly trace_id: string | null;
  readonly data: { readonly [name: string]: Json };
  readonly prev: string;
  readonly hash: string;
}

/**
 * A place that events are delivered to.
 *
 * The driver (bridge/events/delivery.ts) calls `deliver` with one batch at a time, in the order of `seq`, and repeats
 * a batch until it is taken: a sink does not retry. After a crash a batch may come again; receivers tell repeats by
 * `event_id`.
 */
export interface Sink {
  /** Names the place where delivery stands: it must stay the same across restarts. */
  readonly name: string;

  /** Resolves once the receiver has taken the whole batch; if it rejects, the whole batch is repeated later. */
  deliver(events: readonly SinkEvent[], signal: AbortSignal): Promise<void>;

  close(): Promise<void>;
}
