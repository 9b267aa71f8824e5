import type { Context } from 'koa';
import type { ProblemDocument } from '../problem.ts';
import { html } from './html.ts';
import { layout } from './layout.ts';
import { answerPage } from './page-answer.ts';

/** Tells a person who opened an address without a page whose bridge this is; false for all else, and whoever takes JSON. */
export type ShowNothingHere = (ctx: Context, problem: ProblemDocument) => boolean;

export function showNothingHere({ organization }: { organization: string }): ShowNothingHere {
  const markup = layout({
    organization,
    title: 'There is no page here',
    content: html`<p>This is the Countersign bridge of <strong>${organization}</strong>. Apps speak with it; people see it
when they sign in. Open your app and sign in from there.</p>`,
  });
  return (ctx, { code, status }) => {
    const opened = ctx.method === 'GET' || ctx.method === 'HEAD';
    if (!opened || (code !== 'not_found' && code !== 'method_not_allowed')) return false;
    // Whoever takes anything, as programs do, gets the problem document.
    ctx.vary('Accept');
    if (ctx.accepts('json', 'html') !== 'html') return false;
    answerPage(ctx, { status, markup });
    return true;
  };
}
