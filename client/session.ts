import * as oauth from 'openid-client';
import { CountersignError, isCountersignError } from '../protocol/errors.ts';
import {
  type AuthorizationServer,
  apiResource,
  createServerAccess,
  oauthError,
} from './authorization-server.ts';
import type { PendingSignIn } from './client.ts';
import type { ClientContext } from './context.ts';
import { ensureSecrets, loadSecrets, saveTokens } from './device-secrets.ts';
import type { DeviceSecrets, Tokens } from './key-store.ts';

/** A token in force, with what proves possession of its key. */
export interface Access {
  readonly accessToken: string;
  readonly secrets: DeviceSecrets;
  readonly server: AuthorizationServer;
}

export interface Session {
  begin(options: {
    redirectUri: string;
    loginHint?: string;
  }): Promise<{ url: string; pending: PendingSignIn }>;
  complete(callbackUrl: string, pending: PendingSignIn): Promise<void>;
  /** A token that lives `seconds` more at least. Throws `sign_in_required`. */
  access(seconds?: number): Promise<Access>;
  /** Another token than this one, which the bridge did not take. Throws `sign_in_required`. */
  accessInsteadOf(refused: string): Promise<Access>;
  /** `forgetDevice`: the device's keys go too. */
  end(options?: { forgetDevice?: boolean }): Promise<void>;
}

/** A token is renewed this long before its end, seconds: requests take time, and clocks differ. */
const MARGIN = 30;
/** A token whose life the server does not tell is renewed after this time, seconds. */
const UNKNOWN_LIFE = 300;

/** The client API. Not `openid`: who the person is, the bridge's API says. A refresh token comes with it. */
const SCOPE = 'countersign';

/** Sign-in by OAuth 2.1: code, PKCE, PAR (RFC 9126), DPoP (RFC 9449), `iss` (RFC 9207), rotated refresh tokens. */
export function createSession(context: ClientContext): Session {
  const serverFor = createServerAccess(context);
  let renewal: Promise<DeviceSecrets> | null = null;

  /** One at a time: a refresh token counts once, and the second use of it would end the session. */
  function renew(stale: string): Promise<DeviceSecrets> {
    renewal ??= renewOnce(stale).finally(() => {
      renewal = null;
    });
    return renewal;
  }

  async function renewOnce(stale: string): Promise<DeviceSecrets> {
    const secrets = await signedInSecrets(context);
    // Somebody else who shares the key store was faster.
    if (secrets.tokens.accessToken !== stale) return secrets;
    const { refreshToken } = secrets.tokens;
    if (refreshToken === null) throw new CountersignError('sign_in_required');
    const { configuration, dpop } = await serverFor(secrets.sig);
    try {
      const parameters = { resource: apiResource(context) };
      const response = await oauth.refreshTokenGrant(configuration, refreshToken, parameters, dpop);
      const tokens = tokensOf(context, response, refreshToken);
      await saveTokens(context, tokens);
      return { ...secrets, tokens };
    } catch (error) {
      const refused = oauthError(error, 'sign_in_required');
      if (refused.code === 'sign_in_required') await saveTokens(context, null);
      throw refused;
    }
  }

  async function withServer(secrets: DeviceSecrets): Promise<Access> {
    if (secrets.tokens === null) throw new CountersignError('sign_in_required');
    return { accessToken: secrets.tokens.accessToken, secrets, server: await serverFor(secrets.sig) };
  }

  return {
    async begin({ redirectUri, loginHint }) {
      const { sig } = await ensureSecrets(context);
      const { configuration, dpop } = await serverFor(sig);
      const codeVerifier = oauth.randomPKCECodeVerifier();
      const state = oauth.randomState();
      const parameters = {
        redirect_uri: redirectUri,
        scope: SCOPE,
        resource: apiResource(context),
        state,
        code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
        ...(loginHint === undefined ? {} : { login_hint: loginHint }),
      };
      try {
        const url = await oauth.buildAuthorizationUrlWithPAR(configuration, parameters, dpop);
        return { url: url.href, pending: { state, codeVerifier, redirectUri } };
      } catch (error) {
        throw oauthError(error, 'bridge_invalid');
      }
    },

    async complete(callbackUrl, pending) {
      const url = checkCallback(callbackUrl, pending, context.issuer);
      const secrets = await loadSecrets(context);
      if (secrets === null) throw new CountersignError('sign_in_mismatch', 'this device began no sign-in');
      const { configuration, dpop } = await serverFor(secrets.sig);
      const checks = { pkceCodeVerifier: pending.codeVerifier, expectedState: pending.state };
      const parameters = { resource: apiResource(context) };
      try {
        const response = await oauth.authorizationCodeGrant(configuration, url, checks, parameters, dpop);
        await saveTokens(context, tokensOf(context, response, null));
      } catch (error) {
        throw oauthError(error, 'sign_in_refused');
      }
    },

    async access(seconds = MARGIN) {
      const secrets = await signedInSecrets(context);
      const { tokens } = secrets;
      const lives = tokens.expires - context.now() >= seconds;
      // Without a refresh token the one at hand is used until the bridge refuses it.
      return withServer(lives || tokens.refreshToken === null ? secrets : await renew(tokens.accessToken));
    },

    async accessInsteadOf(refused) {
      return withServer(await renew(refused));
    },

    async end({ forgetDevice = false } = {}) {
      const secrets = await loadSecrets(context);
      if (forgetDevice) await context.keyStore.clear();
      if (secrets?.tokens == null) return;
      if (!forgetDevice) await saveTokens(context, null);
      await revoke(await serverFor(secrets.sig), secrets.tokens);
    },
  };
}

/** The device forgot the tokens already: that the bridge forgets them too is asked for, not waited for to succeed. */
async function revoke({ configuration }: AuthorizationServer, tokens: Tokens): Promise<void> {
  if (configuration.serverMetadata().revocation_endpoint === undefined) return;
  try {
    await oauth.tokenRevocation(configuration, tokens.refreshToken ?? tokens.accessToken);
  } catch (error) {
    const mapped = oauthError(error, 'bridge_invalid');
    if (!isCountersignError(mapped, 'bridge_unreachable')) throw mapped;
  }
}

async function signedInSecrets(context: ClientContext): Promise<DeviceSecrets & { tokens: Tokens }> {
  const secrets = await loadSecrets(context);
  if (secrets?.tokens == null) throw new CountersignError('sign_in_required');
  return { ...secrets, tokens: secrets.tokens };
}

/** The URL is attacker-controlled: any page can send the browser to the redirect URI. */
function checkCallback(callbackUrl: string, pending: PendingSignIn, issuer: string): URL {
  const url = URL.canParse(callbackUrl) ? new URL(callbackUrl) : null;
  if (url === null || `${url.origin}${url.pathname}` !== withoutQuery(pending.redirectUri)) {
    throw new CountersignError('sign_in_mismatch', 'the browser came back to another address');
  }
  if (url.searchParams.get('state') !== pending.state) {
    throw new CountersignError('sign_in_mismatch', 'the answer is to another sign-in');
  }
  if (url.searchParams.get('iss') !== issuer) {
    throw new CountersignError('sign_in_mismatch', 'the answer is from another authorization server');
  }
  const error = url.searchParams.get('error');
  if (error !== null)
    throw new CountersignError('sign_in_refused', `the bridge answered ${error.slice(0, 64)}`);
  return url;
}

function withoutQuery(text: string): string {
  const url = new URL(text);
  return `${url.origin}${url.pathname}`;
}

function tokensOf(
  context: ClientContext,
  response: oauth.TokenEndpointResponse,
  previousRefreshToken: string | null,
): Tokens {
  if (response.token_type.toLowerCase() !== 'dpop') {
    throw new CountersignError('bridge_invalid', 'the token is not bound to the device key');
  }
  return {
    accessToken: response.access_token,
    refreshToken: response.refresh_token ?? previousRefreshToken,
    expires: context.now() + Math.floor(response.expires_in ?? UNKNOWN_LIFE),
  };
}
