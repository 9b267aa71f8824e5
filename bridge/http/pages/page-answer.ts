import type { Context } from 'koa';

/**
 * Answers with a page. Browsers hold the whole chain of redirects after a form against `form-action`, so the page of
 * a sign-in names where its app's answers go: an https URL, a loopback address, or the app's own scheme.
 */
export function answerPage(
  ctx: Context,
  page: { status?: number; markup: string; redirectUris?: readonly string[] },
): void {
  ctx.status = page.status ?? 200;
  ctx.type = 'text/html; charset=utf-8';
  ctx.set('Cache-Control', 'no-store');
  const targets = new Set(["'self'", 'https:', ...(page.redirectUris ?? []).map(formTarget)]);
  ctx.set(
    'Content-Security-Policy',
    [
      "default-src 'none'",
      "style-src 'self'",
      `form-action ${[...targets].join(' ')}`,
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ].join('; '),
  );
  ctx.body = page.markup;
}

function formTarget(redirectUri: string): string {
  const { protocol, hostname } = new URL(redirectUri);
  return protocol === 'http:' ? `http://${hostname}:*` : protocol;
}
