import type { ServerResponse } from 'node:http';
import Router from '@koa/router';
import Koa, { type Context, type Middleware } from 'koa';
import { CountersignError } from '../../protocol/errors.ts';
import type { EventLog } from '../events/event-log.ts';
import { newId } from '../lib/ids.ts';
import type { Logger } from '../lib/logger.ts';
import type { Network } from '../lib/networks.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Receiver } from '../signals/receiver.ts';
import type { AuthenticateDevice } from './authenticate-device.ts';
import { createClientAddress } from './client-address.ts';
import { cors } from './cors.ts';
import type { EventStreams } from './event-streams.ts';
import type { ShowNothingHere } from './pages/nothing-here.ts';
import { isOfBridges, type RateLimit } from './rate-limit.ts';
import { renderErrors } from './render-errors.ts';
import { assertMediaType, decodeJson, decodeText, readBody } from './request-body.ts';
import type { RequestState } from './request-state.ts';
import { type Administrator, ANY_MEDIA_TYPE, type ApiResponse, type Route } from './route.ts';
import { securityHeaders } from './security-headers.ts';
import { isLong, sendInPieces } from './send-in-pieces.ts';

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

/** The bridge's HTTP application. The order of the middleware is the order of this table. */
export function createApp(deps: AppDeps): Koa<RequestState> {
  const app = new Koa<RequestState>();
  const middleware: readonly Middleware<RequestState>[] = [
    identifyRequest(deps),
    ...(deps.observeRequest === undefined ? [] : [observeRequests(deps.observeRequest)]),
    renderErrors(deps),
    securityHeaders(),
    // Before all that may refuse: kubelets ask from one address, and end whoever does not answer.
    routesOfOnePath(deps, isHealth),
    cors(deps.isAllowedOrigin),
    limitRate(deps),
    routesOfOnePath(deps, (route) => !isHealth(route)),
    ...deps.pages,
    apiRouter(deps),
    refuseUnknown,
  ];
  for (const step of middleware) app.use(step);
  app.on('error', (error: unknown) => deps.logger.error({ err: error }, 'answering a request failed'));
  return app;
}

function identifyRequest({ trustedProxies }: AppDeps): Middleware<RequestState> {
  const clientAddress = createClientAddress(trustedProxies);
  return (ctx, next) => {
    ctx.state.requestId = newId();
    ctx.state.actor = { kind: 'anonymous', address: clientAddress(ctx.req) };
    ctx.set('X-Request-Id', ctx.state.requestId);
    return next();
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

function limitRate({ rateLimit }: AppDeps): Middleware<RequestState> {
  return async (ctx, next) => {
    const address = ctx.state.actor.address ?? 'unknown';
    await (isOfBridges(ctx.path) ? rateLimit.admitBridge(address) : rateLimit.admit(address));
    await next();
  };
}

/** What costs nothing to answer, and is answered whatever the cache and the caller's other requests are like. */
function isHealth({ tag }: Route): boolean {
  return tag === 'health';
}

/** Routes without parameters by a look-up of their path: a router tries the pattern of each route in turn. */
function routesOfOnePath(deps: AppDeps, isOne: (route: Route) => boolean): Middleware<RequestState> {
  const routes = new Map(
    deps.routes
      .filter((route) => !/[:*(){}]/.test(route.path) && isOne(route))
      .map((route) => [`${route.method.toUpperCase()} ${route.path}`, route]),
  );
  return async (ctx, next) => {
    const method = ctx.method === 'HEAD' ? 'GET' : ctx.method;
    const route = routes.get(`${method} ${ctx.path}`);
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
    const { text, mediaType, onSent } = response;
    ctx.set('Content-Type', mediaType);
    // Not on 'close', which comes too when a reader goes away while the system still reads what it was given.
    if (onSent !== undefined) ctx.res.once('finish', onSent);
    if (isLong(text)) {
      ctx.length = text.length;
      ctx.respond = false;
      sendInPieces(ctx.res, text);
    } else {
      ctx.body = typeof text === 'string' ? text : inPlace(text);
    }
  } else {
    ctx.body = JSON.stringify(response.body);
    ctx.type = 'application/json';
  }
}

/** As Koa takes bytes; they are not copied. */
function inPlace({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

const refuseUnknown: Middleware = () => {
  throw new CountersignError('not_found');
};
