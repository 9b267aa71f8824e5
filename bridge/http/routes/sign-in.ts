import Router from '@koa/router';
import type { Middleware } from 'koa';
import { CountersignError, isCountersignError } from '../../../protocol/errors.ts';
import type { Connections } from '../../identity/connection.ts';
import {
  type ConnectionChoice,
  DEVICE_INTERACTION,
  SignInFailure,
  type SignIns,
  type SignInTraces,
} from '../../identity/sign-in.ts';
import { FORM_BODY_BYTES } from '../../lib/limits.ts';
import type { AuthorizationServer, Interaction } from '../../oauth/authorization-server.ts';
import { readForm } from '../pages/form-body.ts';
import { STYLE_PATH } from '../pages/layout.ts';
import { answerPage } from '../pages/page-answer.ts';
import { type PageContext, withRefusalPage } from '../pages/refusal.ts';
import { addressPage, choicePage } from '../pages/sign-in-pages.ts';
import { STYLE } from '../pages/style.ts';
import type { RequestState } from '../request-state.ts';
import { addSamlRoutes } from './saml.ts';

export interface SignInPagesDeps {
  readonly issuer: string;
  readonly organization: string;
  readonly connections: Connections;
  readonly signIns: SignIns;
  readonly traces: SignInTraces;
  readonly authorizationServer: AuthorizationServer;
  /** Counts a refused request against its client address. */
  readonly noteRefusal: (address: string) => Promise<void>;
}

const NO_CONNECTION = 'No sign-in is set up for this address. Is it your work address?';

/** The pages between a client app and an identity provider, and where the identity providers send people back to. */
export function signInPages(deps: SignInPagesDeps): Middleware<RequestState>[] {
  const { authorizationServer, signIns } = deps;
  const router = new Router<RequestState>();
  const refusal = {
    ...deps,
    openInteraction: async ({ req, res }: PageContext) =>
      (await authorizationServer.interaction(req, res)).uid,
  };
  const step = (work: (ctx: PageContext) => Promise<void>) => withRefusalPage(refusal, work);

  router.get(STYLE_PATH, (ctx) => {
    ctx.type = 'text/css; charset=utf-8';
    ctx.set('Cache-Control', 'public, max-age=3600');
    ctx.body = STYLE;
  });
  router.get(
    '/sign-in/oidc/:connection/callback',
    step(async (ctx) => {
      const url = `${deps.issuer}${ctx.path}${ctx.search}`;
      toResume(ctx, await signIns.completeOidc(ctx.params.connection ?? '', url));
    }),
  );
  addSamlRoutes(router, { ...deps, step, toResume });
  router.get(
    '/sign-in/:uid',
    step(async (ctx) => {
      const interaction = await interactionOf(ctx, authorizationServer);
      await lead(ctx, deps, interaction, interaction.loginHint ?? '', undefined);
    }),
  );
  router.post(
    '/sign-in/:uid',
    step(async (ctx) => {
      const interaction = await interactionOf(ctx, authorizationServer);
      const { address = '', connection } = await readForm(ctx.req, FORM_BODY_BYTES);
      await lead(ctx, deps, interaction, address.trim(), connection);
    }),
  );
  router.get(
    '/sign-in/:uid/resume',
    step(async (ctx) => {
      const { requestId, actor } = ctx.state;
      const { uid } = await interactionOf(ctx, authorizationServer).catch((cause: unknown) => {
        if (!isCountersignError(cause, 'sign_in_unknown')) throw cause;
        throw new CountersignError('sign_in_foreign', 'The browser has no cookie of this sign-in.', {
          cause,
        });
      });
      const handle = new URLSearchParams(ctx.querystring).get('handle') ?? '';
      const signedIn = await signIns.resume({ interaction: uid, handle }, { requestId, actor });
      redirect(ctx, await authorizationServer.finish(ctx.req, ctx.res, signedIn));
    }),
  );
  router.get(
    '/sign-in/:uid/cancel',
    step(async (ctx) => {
      await interactionOf(ctx, authorizationServer);
      redirect(ctx, await authorizationServer.abandon(ctx.req, ctx.res));
    }),
  );
  return [router.routes() as Middleware<RequestState>];
}

/** The interaction that this browser's cookie names, if it is the one in the path. */
async function interactionOf(ctx: PageContext, server: AuthorizationServer): Promise<Interaction> {
  const interaction = await server.interaction(ctx.req, ctx.res);
  if (interaction.uid !== ctx.params.uid) throw new CountersignError('sign_in_unknown');
  return interaction;
}

/** To the IdP where the address leaves one, else to a page. `address` and `chosen` are whatever the browser sent. */
async function lead(
  ctx: PageContext,
  { signIns, organization }: SignInPagesDeps,
  { uid, app, fresh }: Interaction,
  address: string,
  chosen: string | undefined,
): Promise<void> {
  const page = { organization, app: app.name, uid, address };
  const show = (markup: string) => answerPage(ctx, { markup, redirectUris: app.redirectUris });
  if (address === '') return show(addressPage({ ...page, fault: null }));
  const choices = await choicesFor(signIns, address);
  const connection = chosen === undefined && choices.length === 1 ? choices[0]?.id : chosen;
  if (choices.length === 0) return show(addressPage({ ...page, fault: NO_CONNECTION }));
  if (connection === undefined) return show(choicePage({ ...page, choices }));
  if (!choices.some(({ id }) => id === connection)) throw new CountersignError('connection_inactive');
  const start = { interaction: uid, connectionId: connection, loginHint: address, fresh };
  const url = await signIns.begin(start).catch((error: unknown) => {
    throw new SignInFailure({ interaction: uid, connectionId: connection }, error);
  });
  redirect(ctx, url);
}

async function choicesFor(signIns: SignIns, address: string): Promise<ConnectionChoice[]> {
  try {
    return await signIns.choices(address);
  } catch (error) {
    if (isCountersignError(error, 'address_invalid')) return [];
    throw error;
  }
}

/** Everything in this URL is ours: where the browser goes next is never taken from what an IdP or a browser sent. */
function toResume(ctx: PageContext, completed: { interaction: string; handle: string }): void {
  const { interaction, handle } = completed;
  const path = interaction.startsWith(DEVICE_INTERACTION) ? '/device' : `/sign-in/${interaction}`;
  redirect(ctx, `${path}/resume?handle=${handle}`);
}

function redirect(ctx: PageContext, url: string): void {
  ctx.redirect(url);
  ctx.status = 303;
  ctx.set('Cache-Control', 'no-store');
  ctx.body = '';
}
