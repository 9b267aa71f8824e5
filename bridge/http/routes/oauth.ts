import type { Middleware } from 'koa';
import { CountersignError } from '../../../protocol/errors.ts';
import { FORM_BODY_BYTES } from '../../lib/limits.ts';
import type { AuthorizationServer } from '../../oauth/authorization-server.ts';
import type { RateLimit } from '../rate-limit.ts';
import type { RequestState } from '../request-state.ts';

/** Where a sign-in begins (RFC 9126, RFC 8628): what is sent is remembered, whoever it is. */
const REMEMBERED = new Set(['/oauth/request', '/oauth/authorize', '/oauth/device-authorization']);

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
    if (REMEMBERED.has(ctx.path)) await admitSignIn(ctx.state.actor.address ?? 'unknown');
    ctx.respond = false;
    ctx.state.route = patternOf(ctx.path);
    const { requestId, actor } = ctx.state;
    const refused = await server.answer(ctx.req, ctx.res, { requestId, actor });
    if (refused) await noteRefusal(actor.address ?? 'unknown');
  };
}

const ENDPOINTS = new Set(['authorize', 'request', 'token', 'revocation', 'jwks', 'device-authorization']);

/** The endpoint behind a path, which may go on with whatever the caller made up. */
function patternOf(path: string): string {
  const [, first, name = ''] = path.split('/');
  if (first !== 'oauth') return path;
  return ENDPOINTS.has(name) ? `/oauth/${name}` : 'unknown';
}
