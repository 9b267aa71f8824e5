import type { PolicyBundles } from '../../policy/versions/bundles.ts';
import { POLICY_BUNDLES_PATH, POLICY_PATH } from '../../policy/versions/published-paths.ts';
import { defineRoute, type Route } from '../route.ts';

const BUNDLE = 'application/policy-bundle+jwt';

/** A change shows at once to whoever asks anew, and within this time behind caches. */
const SHORTLY = 'public, max-age=10';
/** What has a hash does not change; a bundle that had to be signed anew is asked for past the cache. */
const FOR_EVER = 'public, max-age=31536000, immutable';

/** The policy as anybody may read it: which one is in force, and every one that was. */
export function policyRoutes({ policyBundles }: { policyBundles: PolicyBundles }): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: POLICY_PATH,
      summary: 'The policy in force, as a signed bundle; 304 for who has it by its ETag',
      tag: 'federation',
      authentication: 'none',
      response: { status: 200, description: 'The bundle, a compact JWS', mediaType: BUNDLE },
      errors: ['policy_unavailable'],
      handle: async ({ headers }) => {
        const { bundle, tag } = policyBundles.current();
        const etag = `"${tag}"`;
        const known = (headers['if-none-match'] ?? '').split(',').some((each) => isTag(each, etag));
        const caching = { 'Cache-Control': SHORTLY, ETag: etag };
        if (known) return { status: 304, text: '', mediaType: BUNDLE, headers: caching };
        return { text: bundle, mediaType: BUNDLE, headers: caching };
      },
    }),
    defineRoute({
      method: 'get',
      path: `${POLICY_BUNDLES_PATH}/:hash`,
      summary: 'The policy of a hash, as bindings and decisions name it: one that is or was in force',
      tag: 'federation',
      authentication: 'none',
      response: { status: 200, description: 'The bundle, a compact JWS', mediaType: BUNDLE },
      errors: ['policy_unknown'],
      handle: async ({ params }) => ({
        text: await policyBundles.find(params.hash ?? ''),
        mediaType: BUNDLE,
        headers: { 'Cache-Control': FOR_EVER },
      }),
    }),
  ];
}

/** Compared weakly (RFC 9110 section 13.1.2): a proxy that compresses says so by `W/`. */
function isTag(text: string, etag: string): boolean {
  const named = text.trim();
  return named === '*' || named === etag || named === `W/${etag}`;
}
