import type { Middleware } from 'koa';
import { POLICY_BUNDLES_PATH, POLICY_PATH } from '../policy/versions/published-paths.ts';

const ALLOWED_HEADERS = 'authorization, content-type, dpop';
const ALLOWED_METHODS = 'GET, POST, PATCH, DELETE';
const EXPOSED_HEADERS = 'DPoP-Nonce, Retry-After, WWW-Authenticate, X-Request-Id';

/**
 * Lets the registered origins of client apps call the client API from a browser, and every origin read the log and the policy; no
 * other origin is named, and cookies are never allowed. `isAllowed` is asked for the exact `Origin`, which the page cannot choose.
 */
export function cors(isAllowed: (origin: string) => Promise<boolean>): Middleware {
  return async (ctx, next) => {
    if (isPublic(ctx.path)) ctx.set('Access-Control-Allow-Origin', '*');
    const origin = ctx.get('Origin');
    if (origin === '' || !isClientApi(ctx.path)) return next();
    ctx.vary('Origin');
    if (!(await isAllowed(origin))) return next();
    ctx.set('Access-Control-Allow-Origin', origin);
    ctx.set('Access-Control-Expose-Headers', EXPOSED_HEADERS);
    if (ctx.method !== 'OPTIONS') return next();
    ctx.set('Access-Control-Allow-Methods', ALLOWED_METHODS);
    ctx.set('Access-Control-Allow-Headers', ALLOWED_HEADERS);
    ctx.set('Access-Control-Max-Age', '600');
    ctx.status = 204;
  };
}

/** What the log's checkpoints are signed with stands here. */
const ONLINE_KEYS = '/.well-known/countersign/online-keys';

/** What people are decided about by: a partner's client reads it too. */
const POLICY = [POLICY_PATH, `${POLICY_BUNDLES_PATH}/`];

/** What anybody may read and audit, from a browser too: nothing of it depends on who asks. */
function isPublic(path: string): boolean {
  const isLog = path.startsWith('/log/') || path.startsWith('/witness/');
  return isLog || path === ONLINE_KEYS || POLICY.some((each) => path.startsWith(each));
}

/** What the client SDK asks for besides OAuth, whose endpoints say for themselves who may call them. */
function isClientApi(path: string): boolean {
  return path.startsWith('/v1/') || path === ONLINE_KEYS;
}
