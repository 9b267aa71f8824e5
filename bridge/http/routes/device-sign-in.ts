import Router from '@koa/router';
import type { Middleware } from 'koa';
import { isCountersignError } from '../../../protocol/errors.ts';
import type { SignInTraces } from '../../identity/sign-in.ts';
import { FORM_BODY_BYTES, SIGN_IN_LIFE_S } from '../../lib/limits.ts';
import { inGroups } from '../../oauth/device-codes.ts';
import type { DeviceSignIns } from '../../oauth/device-sign-ins.ts';
import { deviceCodePage, deviceConfirmPage, deviceDonePage } from '../pages/device-pages.ts';
import { readForm } from '../pages/form-body.ts';
import { answerPage } from '../pages/page-answer.ts';
import { type PageContext, withRefusalPage } from '../pages/refusal.ts';
import type { RateLimit } from '../rate-limit.ts';
import type { RequestState } from '../request-state.ts';

export interface DevicePagesDeps {
  readonly organization: string;
  readonly traces: SignInTraces;
  readonly deviceSignIns: DeviceSignIns;
  readonly rateLimit: Pick<RateLimit, 'admitSignIn' | 'noteRefusal'>;
}

/** `__Host-`: of this host alone. `Lax`: it comes along from the IdP, and not with a form of another site. */
const COOKIE = '__Host-countersign-device';
const AGAIN = 'This page was open for too long. Please try again.';

/** Where somebody types the code that a room system shows (RFC 8628 §3.3). */
export function devicePages({
  organization,
  traces,
  deviceSignIns,
  rateLimit,
}: DevicePagesDeps): Middleware<RequestState>[] {
  const router = new Router<RequestState>();
  const noteRefusal = (address: string) => rateLimit.noteRefusal(address);
  const refusal = { organization, traces, noteRefusal, openInteraction: async () => null };
  const step = (work: (ctx: PageContext) => Promise<void>) => withRefusalPage(refusal, work);
  const contextOf = ({ state: { requestId, actor } }: PageContext) => ({ requestId, actor });

  async function showForm(
    ctx: PageContext,
    fields: Partial<Parameters<typeof deviceCodePage>[0]>,
  ): Promise<void> {
    const page = { organization, userCode: '', address: '', fault: null, choices: [], ...fields };
    answerPage(ctx, { markup: deviceCodePage(page) });
  }

  async function openForm(ctx: PageContext, fields: Parameters<typeof showForm>[1]): Promise<void> {
    const address = ctx.state.actor.address ?? 'unknown';
    await rateLimit.admitSignIn(address);
    const cookie = await deviceSignIns.open();
    const attributes = `Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=${SIGN_IN_LIFE_S}`;
    ctx.append('Set-Cookie', `${COOKIE}=${cookie}; ${attributes}`);
    await showForm(ctx, fields);
  }

  router.get(
    '/device',
    step(async (ctx) => {
      const typed = new URLSearchParams(ctx.querystring).get('user_code') ?? '';
      await openForm(ctx, { userCode: typed.slice(0, 32) });
    }),
  );
  router.post(
    '/device',
    step(async (ctx) => {
      const form = await readForm(ctx.req, FORM_BODY_BYTES);
      const { user_code: typed = '', address = '', connection } = form;
      const shown = { userCode: typed.slice(0, 32), address: address.slice(0, 254) };
      await rateLimit.admitSignIn(ctx.state.actor.address ?? 'unknown');
      try {
        const asked = { typed, address: address.trim(), connection };
        const next = await deviceSignIns.begin(cookieOf(ctx), asked, contextOf(ctx));
        if (next.next === 'idp') return redirect(ctx, next.url);
        if (next.next === 'choose') return await showForm(ctx, { ...shown, choices: next.choices });
        await noteRefusal(ctx.state.actor.address ?? 'unknown');
        return await showForm(ctx, { ...shown, fault: next.fault });
      } catch (error) {
        if (!isCountersignError(error, 'sign_in_unknown')) throw error;
        return await openForm(ctx, { ...shown, fault: AGAIN });
      }
    }),
  );
  router.get(
    '/device/resume',
    step(async (ctx) => {
      const handle = new URLSearchParams(ctx.querystring).get('handle') ?? '';
      const { userCode, ...asked } = await deviceSignIns.resume(cookieOf(ctx), handle, contextOf(ctx));
      answerPage(ctx, {
        markup: deviceConfirmPage({ organization, ...asked, userCode: inGroups(userCode) }),
      });
    }),
  );
  router.post(
    '/device/confirm',
    step(async (ctx) => {
      const { decision } = await readForm(ctx.req, FORM_BODY_BYTES);
      const connect = decision === 'connect';
      const done = await deviceSignIns.decide(cookieOf(ctx), connect, contextOf(ctx));
      const outcome = !done ? 'over' : connect ? 'connected' : 'refused';
      answerPage(ctx, { markup: deviceDonePage({ organization, outcome }) });
    }),
  );
  return [router.routes() as Middleware<RequestState>];
}

/** Attacker-controlled; empty where there is none. */
function cookieOf(ctx: PageContext): string {
  return ctx.cookies.get(COOKIE) ?? '';
}

function redirect(ctx: PageContext, url: string): void {
  ctx.redirect(url);
  ctx.status = 303;
  ctx.set('Cache-Control', 'no-store');
  ctx.body = '';
}
