import type Router from '@koa/router';
import type { Middleware } from 'koa';
import type { Connections } from '../../identity/connection.ts';
import type { Completed, SignIns } from '../../identity/sign-in.ts';
import { SAML_FORM_BYTES } from '../../lib/limits.ts';
import { readForm } from '../pages/form-body.ts';
import type { PageContext } from '../pages/refusal.ts';
import type { RequestState } from '../request-state.ts';

export interface SamlRoutesDeps {
  readonly connections: Connections;
  readonly signIns: SignIns;
  readonly step: (work: (ctx: PageContext) => Promise<void>) => Middleware<RequestState>;
  readonly toResume: (ctx: PageContext, completed: Completed) => void;
}

/**
 * Our side of SAML: the assertion consumer service and our metadata. The browser's POST comes from the IdP's site, so
 * no cookie comes with it: the result waits under a one-time handle for the GET that follows (PROTOCOL §13).
 */
export function addSamlRoutes(router: Router<RequestState>, deps: SamlRoutesDeps): void {
  const { connections, signIns, step, toResume } = deps;
  router.post(
    '/saml/:connection/acs',
    step(async (ctx) => {
      const form = await readForm(ctx.req, SAML_FORM_BYTES);
      toResume(ctx, await signIns.completeSaml(ctx.params.connection ?? '', form));
    }),
  );
  router.get('/saml/:connection/metadata', async (ctx) => {
    ctx.body = await connections.metadata(ctx.params.connection ?? '');
    ctx.type = 'application/samlmetadata+xml';
    ctx.set('Cache-Control', 'no-cache');
  });
}
