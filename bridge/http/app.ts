import type { ServerResponse } from 'node:http';
import Router from '@koa/router';
import Koa, { type Context, type Middleware } from 'koa';
import { CountersignError } from '../../protocol/errors.ts';
import type { EventLog } from '../events/event-log.ts';
import { ReportedRefusal } from '../events/reported-refusal.ts';
import { newId } from '../lib/ids.ts';
import type { Logger } from '../lib/logger.ts';
import type { Network } from '../lib/networks.ts';
import type { Actor, RequestContext } from '../lib/request-context.ts';
import { PolicyDenial } from '../policy/decision.ts';
import type { Receiver } from '../signals/receiver.ts';
import type { AuthenticateDevice } from './authenticate-device.ts';
import { clientAddress } from './client-address.ts';
import { cors } from './cors.ts';
import type { EventStreams } from './event-streams.ts';
import type { ShowNothingHere } from './pages/nothing-here.ts';
import { isOurFault, type ProblemDocument, problemOf } from './problem.ts';
import { isOfBridges, isProbing, type RateLimit } from './rate-limit.ts';
import { assertMediaType, decodeJson, decodeText, readBody } from './request-body.ts';
import { type Administrator, ANY_MEDIA_TYPE, type ApiResponse, type Route } from './route.ts';
import { securityHeaders } from './security-headers.ts';

export interface AppDeps {
  readonly issuer: string;
  readonly trustedProxies: readonly Network[];
  readonly logger: Logger;
  readonly events: Pick<EventLog, 'record'>;
  readonly rateLimit: RateLimit;
  readonly authenticateDevice: AuthenticateDevice;
  readonly authenticateAdministrator: (authorization: string | undefined) => Promise<Administrator>;
  /** Where there are receivers of signals. */
  readonly authenticateReceiver?: (authorization: string | undefined) => Promise<Receiver>;
  readonly isAllowedOrigin: (origin: string) => Promise<boolean>;
  readonly routes: readonly Route[];
  /** Browser pages and the authorization server: they render themselves. */
  readonly pages: readonly Middleware[];
  /** Where there are pages: for browsers, in the place of the problem document. */
  readonly showNothingHere?: ShowNothingHere;
  readonly streams: EventStreams;
  /** Told of every request that was answered, where somebody wants to know. */
  readonly observeRequest?: ObserveRequest | undefined;
}

/** `route` is a pattern of ours, or `unknown`: nothing that the caller made up. */
export type ObserveRequest = (
  request: { readonly method: string; readonly route: string; readonly status: number },
  seconds: number,
) => void;

/** What the request is known by; set by the first middleware, completed by authentication. */
export interface RequestState {
  requestId: string;
  actor: Actor;
  /** The pattern of the route, once it is known. */
  route?: string;
  /** Of the route, where it has its own. */
  errorForm?: Route['errorForm'];
  /** How whoever is refused for want of it may authenticate, where it is not as a device. */
  challenge?: string;
}

/** The bridge's HTTP application. The order of the middleware is the order of this table. */
export function createApp(deps: AppDeps): Koa<RequestState> {
  const app = new Koa<RequestState>();
  const middleware: readonly Middleware<RequestState>[] = [
    identifyRequest(deps),
    ...(deps.observeRequest === undefined ? [] : [observeRequests(deps.observeRequest)]),
    renderErrors(deps),
    securityHeaders(),
    cors(deps.isAllowedOrigin),
    limitRate(deps),
    apiRoutesOfOnePath(deps),
    ...deps.pages,
    apiRouter(deps),
    refuseUnknown,
  ];
  for (const step of middleware) app.use(step);
  app.on('error', (error: unknown) => deps.logger.error({ err: error }, 'answering a request failed'));
  return app;
}

function identifyRequest({ trustedProxies }: AppDeps): Middleware<RequestState> {
  return async (ctx, next) => {
    ctx.state.requestId = newId();
    ctx.state.actor = { kind: 'anonymous', address: clientAddress(ctx.req, trustedProxies) };
    ctx.set('X-Request-Id', ctx.state.requestId);
    await next();
  };
}

function observeRequests(observe: ObserveRequest): Middleware<RequestState> {
  return async (ctx, next) => {
    const start = performance.now();
    await next();
    const pattern: unknown = ctx.state.route ?? ctx._matchedRoute;
    const route = typeof pattern === 'string' ? pattern : 'unknown';
    const status = ctx.respond === false ? ctx.res.statusCode : ctx.status;
    observe({ method: ctx.method, route, status }, (performance.now() - start) / 1000);
  };
}

/** The one place that renders an error, and the one that records a refused request: one event, nothing else stored. */
function renderErrors({ logger, events, rateLimit, showNothingHere }: AppDeps): Middleware<RequestState> {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const problem = problemOf(error, { requestId: ctx.state.requestId });
      if (isOurFault(error)) logger.error({ err: error, request_id: problem.request_id }, 'a request failed');
      await recordRefusal(ctx, events, problem, error).catch((cause: unknown) => {
        logger.error({ err: cause, request_id: problem.request_id }, 'a refusal could not be recorded');
      });
      if (problem.status < 500 && isProbing(ctx.path, problem.code)) {
        await rateLimit.noteRefusal(ctx.state.actor.address ?? 'unknown');
      }
      ctx.status = problem.status;
      ctx.set('Cache-Control', 'no-store');
      if (problem.status === 401) {
        ctx.set('WWW-Authenticate', ctx.state.challenge ?? 'DPoP algs="Ed25519 ES256"');
      }
      if (problem.status === 413) ctx.set('Connection', 'close');
      if (error instanceof CountersignError && error.retryAfter !== undefined) {
        ctx.set('Retry-After', String(error.retryAfter));
      }
      // What a route of the API does not find is for its caller, who reads problems.
      if (ctx.state.route === undefined && showNothingHere?.(ctx, problem) === true) return;
      const form = ctx.state.errorForm?.(problem);
      if (form !== undefined) ctx.status = form.status;
      if (form?.retryAfter !== undefined) ctx.set('Retry-After', String(form.retryAfter));
      ctx.body = JSON.stringify(form?.body ?? problem);
      ctx.type = form === undefined ? 'application/problem+json' : 'application/json';
    }
  };
}

async function recordRefusal(
  ctx: Context & { state: RequestState },
  events: Pick<EventLog, 'record'>,
  { code, status }: ProblemDocument,
  error: unknown,
): Promise<void> {
  // Writing an event for each of these would let the flood that they stop fill the disk.
  if (code === 'rate_limited' || code === 'overloaded') return;
  const refusal = {
    actor: ctx.state.actor,
    outcome: 'failure',
    code,
    requestId: ctx.state.requestId,
  } as const;
  const denial = error instanceof CountersignError ? error.cause : undefined;
  if (denial instanceof PolicyDenial) {
    const { action, resource } = denial.request;
    const { policy, hash, id } = denial.decision;
    await events.record({
      ...refusal,
      type: 'policy.denied',
      subject: resource.owner === undefined ? {} : { sub: resource.owner },
      data: { action, policy, resource: resource.id, hash, ...(id === undefined ? {} : { decision: id }) },
    });
    return;
  }
  if (denial instanceof ReportedRefusal) {
    await events.record({ ...refusal, ...denial.event });
    return;
  }
  await events.record({
    ...refusal,
    type: 'request.refused',
    data: { method: ctx.method.slice(0, 16), route: ctx.state.route ?? ctx.path.slice(0, 128), status },
  });
}

function limitRate({ rateLimit }: AppDeps): Middleware<RequestState> {
  return async (ctx, next) => {
    const address = ctx.state.actor.address ?? 'unknown';
    await (isOfBridges(ctx.path) ? rateLimit.admitBridge(address) : rateLimit.admit(address));
    await next();
  };
}

/** Routes without parameters by a look-up of their path: a router tries the pattern of each route in turn. */
function apiRoutesOfOnePath(deps: AppDeps): Middleware<RequestState> {
  const routes = new Map(
    deps.routes
      .filter(({ path }) => !/[:*(){}]/.test(path))
      .map((route) => [`${route.method.toUpperCase()} ${route.path}`, route]),
  );
  return async (ctx, next) => {
    const route = routes.get(`${ctx.method} ${ctx.path}`);
    if (route === undefined) return next();
    answer(ctx, await runRoute(ctx, {}, route, deps), route, deps.streams);
  };
}

function apiRouter(deps: AppDeps): Middleware {
  // Exactly as written: whoever stands before us and shuts /admin off shuts all of it off.
  const router = new Router<RequestState>({ strict: true, sensitive: true });
  for (const route of deps.routes) {
    router[route.method](route.path, async (ctx) =>
      answer(ctx, await runRoute(ctx, ctx.params, route, deps), route, deps.streams),
    );
  }
  const serve = router.routes();
  const refuseMethod = router.allowedMethods({
    throw: true,
    methodNotAllowed: () => new CountersignError('method_not_allowed'),
    notImplemented: () => new CountersignError('method_not_allowed'),
  });
  return async (ctx, next) => {
    await serve(ctx as never, async () => {
      // It looks at the method after what it is followed by, which must not be the refusal of unknown addresses.
      await refuseMethod(ctx as never, async () => undefined);
      if (ctx.status === 404) await next();
    });
  };
}

/** Authenticate, then parse, then handle: nothing of an unauthenticated body is looked at. */
async function runRoute(
  ctx: Context & { state: RequestState },
  params: Readonly<Record<string, string>>,
  route: Route,
  deps: AppDeps,
): Promise<ApiResponse> {
  ctx.state.route = route.path;
  ctx.state.errorForm = route.errorForm;
  if (route.authentication === 'administrator' || route.authentication === 'receiver') {
    ctx.state.challenge = 'Bearer';
  }
  const holder =
    route.authentication === 'device' ? await deps.authenticateDevice(ctx.req, deps.issuer + ctx.path) : null;
  const administrator =
    route.authentication === 'administrator'
      ? await deps.authenticateAdministrator(ctx.req.headers.authorization)
      : null;
  const receiver =
    route.authentication === 'receiver'
      ? await authenticateReceiver(deps, ctx.req.headers.authorization)
      : null;
  const address = ctx.state.actor.address === undefined ? {} : { address: ctx.state.actor.address };
  if (holder !== null) {
    ctx.state.actor = { kind: 'person', sub: holder.sub, device: holder.deviceId, ...address };
  } else if (administrator !== null) {
    const { id, name } = administrator;
    ctx.state.actor = { kind: 'administrator', id, name, ...address };
  }
  const context: RequestContext = { requestId: ctx.state.requestId, actor: ctx.state.actor };
  const { body, bodyBytes } = await parseBody(ctx, route);
  const query = parseQuery(ctx, route);
  const { headers } = ctx.req;
  return route.handle({
    context,
    params,
    query,
    headers,
    body,
    bodyBytes,
    holder,
    administrator,
    receiver,
    // Most handlers answer before anybody could go away, and never look at it.
    get signal() {
      return goneSignal(ctx.res);
    },
  });
}

async function authenticateReceiver(deps: AppDeps, authorization: string | undefined): Promise<Receiver> {
  if (deps.authenticateReceiver === undefined) throw new CountersignError('unauthenticated');
  return deps.authenticateReceiver(authorization);
}

/** Aborted when the connection ends before the answer is out. */
function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  const end = () => {
    if (!response.writableFinished) gone.abort();
  };
  if (response.closed) end();
  else response.once('close', end);
  return gone.signal;
}

async function parseBody(ctx: Context, route: Route): Promise<{ body: unknown; bodyBytes: Uint8Array }> {
  if (route.body === undefined) return { body: undefined, bodyBytes: new Uint8Array() };
  const mediaType = route.body.mediaType ?? 'application/json';
  if (mediaType !== ANY_MEDIA_TYPE) assertMediaType(ctx.req, mediaType);
  const bodyBytes = await readBody(ctx.req, route.body.maxBytes);
  const value = mediaType === 'application/json' ? decodeJson(bodyBytes) : decodeText(bodyBytes);
  return { body: parsed(route.body.schema, value, 'body'), bodyBytes };
}

function parseQuery(ctx: Context, route: Route): unknown {
  return route.query === undefined ? undefined : parsed(route.query, { ...ctx.query }, 'query');
}

function parsed(schema: NonNullable<Route['query']>, value: unknown, where: string): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues
    .slice(0, 5)
    .map((issue) => `${[where, ...issue.path].join('.')}: ${issue.message}`);
  throw new CountersignError('malformed_request', faults.join('; '), { cause: result.error });
}

function answer(ctx: Context, response: ApiResponse, route: Route, streams: EventStreams): void {
  ctx.set('Cache-Control', 'no-store');
  if ('open' in response) {
    streams.begin(ctx.res, response, route.path);
    ctx.respond = false;
    return;
  }
  ctx.status = response.status ?? route.response.status;
  for (const [name, value] of Object.entries(response.headers ?? {})) ctx.set(name, value);
  if (ctx.status === 204 || ctx.status === 304) return;
  if ('text' in response) {
    ctx.body = typeof response.text === 'string' ? response.text : inPlace(response.text);
    ctx.set('Content-Type', response.mediaType);
  } else {
    ctx.body = JSON.stringify(response.body);
    ctx.type = 'application/json';
  }
}

/** As Koa takes bytes; they are not copied: answers about a thousand addresses are megabytes long. */
function inPlace({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

const refuseUnknown: Middleware = () => {
  throw new CountersignError('not_found');
};
