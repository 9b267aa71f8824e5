import type { Middleware } from 'koa';
import type { AuthorizationServer } from '../../oauth/authorization-server.ts';
import type { RequestState } from '../app.ts';

/** Hands the authorization server's endpoints to it: it answers by itself, errors included. */
export function oauthMiddleware(server: AuthorizationServer): Middleware<RequestState> {
  return async (ctx, next) => {
    if (!server.serves(ctx.path)) return next();
    ctx.respond = false;
    const { requestId, actor } = ctx.state;
    await server.answer(ctx.req, ctx.res, { requestId, actor });
  };
}
