import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { ErrorCode } from '../../protocol/errors.ts';
import type { EventLog } from '../events/event-log.ts';
import type { Logger } from '../lib/logger.ts';
import type { RequestContext } from '../lib/request-context.ts';

/** The request that the library is answering, as ours know it. */
export type ContextOf = (ctx: KoaContextWithOIDC) => RequestContext;

/** Reports what the library refuses as events: one for each refused request. */
export function reportProviderEvents(
  provider: Provider,
  deps: {
    events: EventLog;
    logger: Logger;
    contextOf: ContextOf;
    /** Told of a device that asks whether its code was taken yet, as it should. */
    onWaiting: (ctx: KoaContextWithOIDC) => void;
  },
): void {
  const { events, logger, contextOf } = deps;
  const record = (event: Parameters<EventLog['record']>[0]) =>
    void events
      .record(event)
      .catch((err: unknown) => logger.error({ err }, 'a refusal could not be recorded'));

  const refused = (ctx: KoaContextWithOIDC, error: Error) => {
    // Not a refusal: the app comes again with the nonce that it was just given (RFC 9449 §8).
    if (error.message === 'use_dpop_nonce') return;
    if (error.message === 'authorization_pending') return deps.onWaiting(ctx);
    record({
      type: 'request.refused',
      ...contextOf(ctx),
      outcome: 'failure',
      code: codeOf(error),
      data: { method: ctx.method, route: ctx.path, status: statusOf(ctx.status) },
    });
  };
  provider.on('authorization.error', refused);
  provider.on('grant.error', refused);
  provider.on('pushed_authorization_request.error', refused);
  provider.on('device_authorization.error', refused);
  provider.on('revocation.error', refused);
  provider.on('grant.revoked', (ctx: KoaContextWithOIDC) => {
    const reused = ctx.path.endsWith('/token');
    const app = ctx.oidc.client?.clientId;
    record({
      type: 'token.revoked',
      ...contextOf(ctx),
      outcome: 'success',
      ...(app === undefined ? {} : { subject: { app } }),
      data: { reason: reused ? 'a code or refresh token was used again' : 'the app asked for it' },
    });
  });
  provider.on('server_error', (_ctx: KoaContextWithOIDC, err: Error) => {
    logger.error({ err }, 'the authorization server failed');
  });
}

function codeOf(error: Error): ErrorCode {
  if (error.message === 'invalid_dpop_proof') return 'dpop_invalid';
  if (/already (used|consumed)/.test(descriptionOf(error))) return 'replayed';
  if (error.message === 'slow_down') return 'rate_limited';
  return ['invalid_grant', 'invalid_client', 'access_denied', 'expired_token'].includes(error.message)
    ? 'unauthenticated'
    : 'malformed_request';
}

function descriptionOf(error: Error): string {
  const { error_description: public_, error_detail: detail } = error as Error &
    Record<'error_description' | 'error_detail', unknown>;
  return `${public_ ?? ''} ${detail ?? ''}`;
}

/** An error that goes back to the app by redirect has no error status of its own. */
function statusOf(status: number): number {
  return status >= 400 && status <= 599 ? status : 400;
}
