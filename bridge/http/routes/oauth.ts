import type { Middleware } from 'koa';
import { CountersignError } from '../../../protocol/errors.ts';
import { FORM_BODY_BYTES } from '../../lib/limits.ts';
import type { AuthorizationServer } from '../../oauth/authorization-server.ts';
import type { RequestState } from '../app.ts';
import type { RateLimit } from '../rate-limit.ts';

/** Where an app begins a sign-in (RFC 9126): what it pushes is remembered, whoever it is. */
const PUSHED_REQUESTS = '/oauth/request';

/**
 * Hands the authorization server's endpoints to it: it answers by itself, errors included. Bodies that announce
 * themselves as too large do not get that far; the library cuts the others off. Each refusal counts against its
 * address: it costs an event on disk.
 */
export function oauthMiddleware(
  server: AuthorizationServer,
  { admitSignIn, noteRefusal }: Pick<RateLimit, 'admitSignIn' | 'noteRefusal'>,
): Middleware<RequestState> {
  return async (ctx, next) => {
    if (!server.serves(ctx.path)) return next();
    if (Number(ctx.get('Content-Length') || 0) > FORM_BODY_BYTES) {
      throw new CountersignError('payload_too_large', `At most ${FORM_BODY_BYTES} bytes are taken here.`);
    }
    if (ctx.path === PUSHED_REQUESTS) await admitSignIn(ctx.state.actor.address ?? 'unknown');
    ctx.respond = false;
    ctx.state.route = patternOf(ctx.path);
    const { requestId, actor } = ctx.state;
    await server.answer(ctx.req, ctx.res, { requestId, actor });
    if (ctx.res.statusCode >= 400) await noteRefusal(actor.address ?? 'unknown');
  };
}

const ENDPOINTS = new Set(['authorize', 'request', 'token', 'revocation', 'jwks']);

/** The endpoint behind a path, which may go on with whatever the caller made up. */
function patternOf(path: string): string {
  const [, first, name = ''] = path.split('/');
  if (first !== 'oauth') return path;
  return ENDPOINTS.has(name) ? `/oauth/${name}` : 'unknown';
}
