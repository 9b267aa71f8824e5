import * as oauth from 'openid-client';
import type { HeadlessBrowser, Page } from '../fakes/headless-browser.ts';
import { REDIRECT_URI } from './sign-in-fixture.ts';

export interface AppSignIn {
  readonly url: string;
  /** Exchanges what the browser brought back for tokens. */
  finish(callback: string): Promise<Tokens>;
}

export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly scope: string | undefined;
}

/** A client app on openid-client, with the key of its device: it does what the client SDK does. */
export type ClientApp = Awaited<ReturnType<typeof createClientApp>>;

export async function createClientApp(
  issuer: string,
  fetch: typeof globalThis.fetch,
  options: { clientId?: string; redirectUri?: string; scope?: string; algorithm?: 'Ed25519' | 'ES256' } = {},
) {
  const redirectUri = options.redirectUri ?? REDIRECT_URI;
  const custom = (url: string, init: oauth.CustomFetchOptions) => fetch(url, init as RequestInit);
  const configuration = await oauth.discovery(
    new URL(issuer),
    options.clientId ?? 'meet',
    { id_token_signed_response_alg: 'Ed25519' },
    oauth.None(),
    { algorithm: 'oauth2', [oauth.customFetch]: custom },
  );
  configuration[oauth.customFetch] = custom;
  const keys = await oauth.randomDPoPKeyPair(options.algorithm ?? 'Ed25519');
  const DPoP = oauth.getDPoPHandle(configuration, keys);

  return {
    configuration,
    keys,
    jkt: await DPoP.calculateThumbprint(),

    async begin(loginHint?: string, more: Record<string, string> = {}): Promise<AppSignIn> {
      const pkceCodeVerifier = oauth.randomPKCECodeVerifier();
      const state = oauth.randomState();
      const url = await oauth.buildAuthorizationUrlWithPAR(
        configuration,
        {
          ...{ redirect_uri: redirectUri, scope: options.scope ?? 'countersign', state },
          code_challenge: await oauth.calculatePKCECodeChallenge(pkceCodeVerifier),
          code_challenge_method: 'S256',
          ...(loginHint === undefined ? {} : { login_hint: loginHint }),
          ...more,
        },
        { DPoP },
      );
      return {
        url: url.href,
        async finish(callback) {
          const checks = { pkceCodeVerifier, expectedState: state };
          return tokensOf(
            await oauth.authorizationCodeGrant(configuration, new URL(callback), checks, undefined, { DPoP }),
          );
        },
      };
    },

    async refresh(refreshToken: string): Promise<Tokens> {
      return tokensOf(await oauth.refreshTokenGrant(configuration, refreshToken, undefined, { DPoP }));
    },

    /** Asks who holds the token, with this device's proof. */
    me: (accessToken: string): Promise<Response> =>
      oauth.fetchProtectedResource(
        configuration,
        accessToken,
        new URL(`${issuer}/v1/me`),
        'GET',
        undefined,
        undefined,
        { DPoP },
      ),
  };
}

/** Signs in from the app to its tokens, in a browser that knows the person's password. */
export async function signInWith(
  app: ClientApp,
  browser: HeadlessBrowser,
  person: { username: string; password: string },
  loginHint: string,
): Promise<Tokens> {
  const begun = await app.begin(loginHint);
  const back = await passIdp(await browser.open(begun.url), browser, person);
  if (!back.stopped) throw new Error(`refused at ${back.url} (${back.status}): ${back.html}`);
  return begun.finish(back.url);
}

/** Fills in the IdP's form, unless its session lets the browser through. */
export async function passIdp(
  page: Page,
  browser: HeadlessBrowser,
  { username, password }: { username: string; password: string },
): Promise<Page> {
  return page.stopped ? page : browser.signIn(page, username, password);
}

function tokensOf(response: oauth.TokenEndpointResponse): Tokens {
  const { access_token: accessToken, refresh_token: refreshToken = '', scope } = response;
  return { accessToken, refreshToken, scope };
}
