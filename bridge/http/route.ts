import type { IncomingHttpHeaders } from 'node:http';
import type * as z from 'zod/mini';
import type { ErrorCode } from '../../protocol/errors.ts';
import type { Holder } from '../binding/holder.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Action, AdministratorRole } from '../policy/decision.ts';
import type { Receiver } from '../signals/receiver.ts';
import type { ProblemDocument } from './problem.ts';

/** Who may call a route. `none` routes authenticate nobody, or do it by the signed object that they take. */
export type RouteAuthentication = 'none' | 'device' | 'administrator' | 'receiver';

export interface Administrator {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly AdministratorRole[];
}

/** What a handler receives: parsed, authenticated, bounded. */
export interface ApiRequest<Body, Query> {
  readonly context: RequestContext;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  /** The body as received, for what signs over it. */
  readonly bodyBytes: Uint8Array;
  readonly headers: IncomingHttpHeaders;
  /** Set on `device` routes. */
  readonly holder: Holder | null;
  /** Set on `administrator` routes. */
  readonly administrator: Administrator | null;
  /** Set on `receiver` routes: who gets signals, by its bearer token. */
  readonly receiver?: Receiver | null;
  /** Aborted when the caller goes away before the answer. */
  readonly signal: AbortSignal;
}

/**
 * One event of a stream (WHATWG HTML §9.2.6, server-sent events); `data` is one line. One without data is not dispatched:
 * its id alone is where the reader goes on from.
 */
export type ServerSentEvent =
  | { readonly id?: string; readonly event?: string; readonly data: string }
  | { readonly id: string; readonly event?: never; readonly data?: never };

/** A stream that goes on until the signal is aborted, or it ends by itself. */
export interface StreamResponse {
  readonly open: (signal: AbortSignal) => AsyncIterable<ServerSentEvent>;
  /** Whose stream it is: one reader has only so many. */
  readonly reader: string;
}

/** JSON in `body`, or anything else as `text` (or bytes) with its media type; neither for 204; or a stream of events. */
export type ApiResponse =
  | StreamResponse
  | { readonly status?: number; readonly body: unknown; readonly headers?: Readonly<Record<string, string>> }
  | {
      readonly status?: number;
      readonly text: string | Uint8Array;
      /** Called when the system has taken all of the text: for whose memory it stands in. */
      readonly onSent?: () => void;
      readonly mediaType: string;
      readonly headers?: Readonly<Record<string, string>>;
    };

/** For protocols of others that do not say what their bodies are called. */
export const ANY_MEDIA_TYPE = '*/*';

/** An error as a standard has it. */
export interface ErrorForm {
  readonly status: number;
  readonly body: object;
  /** Seconds after which trying again may help. */
  readonly retryAfter?: number;
}

/** One API endpoint: the router and the OpenAPI document are both made from it. */
export interface Route<Body = unknown, Query = unknown> {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** With `:name` for parameters, and `*name` at the end for one of several segments. */
  readonly path: string;
  readonly summary: string;
  readonly tag: 'client' | 'federation' | 'administration' | 'events' | 'health';
  readonly authentication: RouteAuthentication;
  /** What policy is asked for before anything is done; on every route of administrators. */
  readonly action?: Action;
  readonly body?: {
    readonly schema: z.ZodMiniType<Body>;
    readonly maxBytes: number;
    /** `application/json` unless named; others arrive in the schema as text. ANY_MEDIA_TYPE takes it under every name. */
    readonly mediaType?: string;
  };
  readonly query?: z.ZodMiniType<Query>;
  readonly response: {
    readonly status: number;
    readonly description: string;
    readonly schema?: z.ZodMiniType;
    readonly mediaType?: string;
    /** Answers a stream (`text/event-stream`) too, to whom asks for it by `Accept`. */
    readonly streams?: true;
  };
  /** The codes that this route answers beside those of its authentication and body. */
  readonly errors: readonly ErrorCode[];
  /** How a standard that the route follows writes errors; nothing for those that it leaves as they are. */
  readonly errorForm?: (problem: ProblemDocument) => ErrorForm | undefined;
  handle(request: ApiRequest<Body, Query>): Promise<ApiResponse>;
}

/** Declares a route; body and query have the types of their schemas in `handle`. */
export function defineRoute<Body, Query>(route: Route<Body, Query>): Route {
  return route as Route;
}

/** The holder of a `device` route's token. */
export function holderOf(request: { readonly holder: Holder | null }): Holder {
  if (request.holder === null) throw new TypeError('holderOf is for device routes');
  return request.holder;
}

/** Whose bearer token a `receiver` route was called with. */
export function receiverOf(request: { readonly receiver?: Receiver | null }): Receiver {
  if (request.receiver == null) throw new TypeError('receiverOf is for receiver routes');
  return request.receiver;
}
