import type { Middleware } from 'koa';
import helmet from 'koa-helmet';

/** On every answer; pages that need more say so themselves. */
export function securityHeaders(): Middleware {
  return helmet({
    contentSecurityPolicy: {
      directives: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        // The sign-in form's answer redirects to an IdP; browsers hold redirects against form-action too.
        formAction: ["'self'", 'https:'],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
      },
    },
    referrerPolicy: { policy: 'no-referrer' },
  });
}
