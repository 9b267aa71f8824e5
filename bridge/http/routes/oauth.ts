import type { Middleware } from 'koa';
import { CountersignError } from '../../../protocol/errors.ts';
import { FORM_BODY_BYTES } from '../../lib/limits.ts';
import type { AuthorizationServer } from '../../oauth/authorization-server.ts';
import type { RequestState } from '../app.ts';

/**
 * Hands the authorization server's endpoints to it: it answers by itself, errors included. Bodies that announce
 * themselves as too large do not get that far; the library cuts the others off. Each refusal counts against its
 * address: it costs an event on disk.
 */
export function oauthMiddleware(
  server: AuthorizationServer,
  noteRefusal: (address: string) => Promise<void>,
): Middleware<RequestState> {
  return async (ctx, next) => {
    if (!server.serves(ctx.path)) return next();
    if (Number(ctx.get('Content-Length') || 0) > FORM_BODY_BYTES) {
      throw new CountersignError('payload_too_large', `At most ${FORM_BODY_BYTES} bytes are taken here.`);
    }
    ctx.respond = false;
    const { requestId, actor } = ctx.state;
    await server.answer(ctx.req, ctx.res, { requestId, actor });
    if (ctx.res.statusCode >= 400) await noteRefusal(actor.address ?? 'unknown');
  };
}
