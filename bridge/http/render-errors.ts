import type { Context, Middleware } from 'koa';
import { CountersignError, type ErrorCode } from '../../protocol/errors.ts';
import type { EventLog } from '../events/event-log.ts';
import { ReportedRefusal } from '../events/reported-refusal.ts';
import type { Logger } from '../lib/logger.ts';
import { PolicyDenial } from '../policy/decision.ts';
import type { ShowNothingHere } from './pages/nothing-here.ts';
import { isOurFault, type ProblemDocument, problemOf } from './problem.ts';
import { isProbing, type RateLimit } from './rate-limit.ts';
import type { RequestState } from './request-state.ts';

export interface RenderErrorsDeps {
  readonly logger: Logger;
  readonly events: Pick<EventLog, 'record'>;
  readonly rateLimit: Pick<RateLimit, 'noteRefusal'>;
  /** Where there are pages: for browsers, in the place of the problem document. */
  readonly showNothingHere?: ShowNothingHere;
}

/** The one place that renders an error, and the one that records a refused request: one event, nothing else stored. */
export function renderErrors({
  logger,
  events,
  rateLimit,
  showNothingHere,
}: RenderErrorsDeps): Middleware<RequestState> {
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
        await rateLimit.noteRefusal(ctx.state.actor.address ?? 'unknown').catch((cause: unknown) => {
          logger.error({ err: cause, request_id: problem.request_id }, 'a refusal could not be counted');
        });
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

/** An event for each of these would let a flood fill the disk: the one that they stop, or whoever asks during an outage. */
const UNRECORDED: ReadonlySet<ErrorCode> = new Set(['rate_limited', 'overloaded', 'unavailable']);

async function recordRefusal(
  ctx: Context & { state: RequestState },
  events: Pick<EventLog, 'record'>,
  { code, status }: ProblemDocument,
  error: unknown,
): Promise<void> {
  if (UNRECORDED.has(code)) return;
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
    data: { method: ctx.method.slice(0, 16), ...asked(ctx), status },
  });
}

/** What nobody has a route for may be any text of whoever asked. */
function asked({ state: { route }, path }: Context & { state: RequestState }): {
  route: string;
  path?: string;
} {
  return route === undefined ? { route: '*', path: path.slice(0, 128) } : { route };
}
