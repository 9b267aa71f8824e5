import { encodeBase64url } from '../protocol/base64url.ts';
import type { SigningKey } from '../protocol/ed25519.ts';
import { CountersignError, isCountersignError } from '../protocol/errors.ts';
import { sha256Base64url } from '../protocol/hash.ts';
import { type AuthorizationServer, apiResource, createAuthorizationServer } from './authorization-server.ts';
import type { PendingSignIn } from './client.ts';
import { signClientAssertion } from './client-assertion.ts';
import type { ClientContext } from './context.ts';
import { type DeviceCodeOptions, signInWithDeviceCode } from './device-code.ts';
import { ensureSecrets, exclusively, loadSecrets, saveTokens } from './device-secrets.ts';
import type { DpopFetch } from './dpop-fetch.ts';
import type { DeviceSecrets, Tokens } from './key-store.ts';

/** A token in force, with what proves possession of its key. */
export interface Access {
  readonly accessToken: string;
  readonly secrets: DeviceSecrets;
}

export interface Session {
  begin(options: {
    redirectUri: string;
    loginHint?: string;
  }): Promise<{ url: string; pending: PendingSignIn }>;
  complete(callbackUrl: string, pending: PendingSignIn): Promise<void>;
  /** For a device without a keyboard. Throws `sign_in_refused`, `aborted`. */
  withDeviceCode(options: DeviceCodeOptions): Promise<void>;
  /** For a registered service, which proves itself by this key. Throws `sign_in_refused`. */
  withKey(key: SigningKey): Promise<void>;
  /** A token that lives `seconds` more at least. Throws `sign_in_required`. */
  access(seconds?: number): Promise<Access>;
  /** Another token than this one, which the bridge did not take. Throws `sign_in_required`. */
  accessInsteadOf(refused: string): Promise<Access>;
  /** `forgetDevice`: the device's keys go too. */
  end(options?: { forgetDevice?: boolean }): Promise<void>;
}

/** A token is renewed this long before its end, seconds: requests take time, and clocks differ. */
const MARGIN = 30;

/** The client API. Not `openid`: who the person is, the bridge's API says. A refresh token comes with it. */
const SCOPE = 'countersign';

/** Sign-in by OAuth 2.1: code, PKCE, PAR (RFC 9126), DPoP (RFC 9449), `iss` (RFC 9207), rotated refresh tokens. */
export function createSession(context: ClientContext, dpopFetch: DpopFetch): Session {
  const server = createAuthorizationServer(context, dpopFetch);
  let renewal: Promise<DeviceSecrets> | null = null;

  /** One at a time: a refresh token counts once, and the second use of it would end the session. */
  function renew(stale: string): Promise<DeviceSecrets> {
    renewal ??= exclusively(context, () => renewOnce(stale)).finally(() => {
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
    const grant = {
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      resource: apiResource(context),
    };
    try {
      const renewed = await server.tokens(secrets.sig, grant, 'sign_in_required');
      const tokens = { ...renewed, refreshToken: renewed.refreshToken ?? refreshToken };
      await saveTokens(context, tokens);
      return { ...secrets, tokens };
    } catch (error) {
      if (isCountersignError(error, 'sign_in_required')) await saveTokens(context, null);
      throw error;
    }
  }

  return {
    async begin({ redirectUri, loginHint }) {
      const { sig } = await ensureSecrets(context);
      const codeVerifier = randomSecret();
      const state = randomSecret();
      const url = await server.authorizationUrl(sig, {
        response_type: 'code',
        redirect_uri: redirectUri,
        scope: SCOPE,
        resource: apiResource(context),
        state,
        code_challenge: sha256Base64url(codeVerifier),
        code_challenge_method: 'S256',
        ...(loginHint === undefined ? {} : { login_hint: loginHint }),
      });
      return { url, pending: { state, codeVerifier, redirectUri } };
    },

    async complete(callbackUrl, pending) {
      const code = codeOf(callbackUrl, pending, context.issuer);
      const secrets = await loadSecrets(context);
      if (secrets === null) throw new CountersignError('sign_in_mismatch', 'this device began no sign-in');
      const grant = {
        grant_type: 'authorization_code',
        code,
        redirect_uri: pending.redirectUri,
        code_verifier: pending.codeVerifier,
        resource: apiResource(context),
      };
      await saveTokens(context, await server.tokens(secrets.sig, grant, 'sign_in_refused'));
    },

    withDeviceCode: (options) => signInWithDeviceCode(context, server, SCOPE, options),

    async withKey(key) {
      const { sig } = await ensureSecrets(context);
      // Each assertion counts once, also where the bridge only asks for another nonce.
      const grant = async () => ({
        grant_type: 'client_credentials',
        ...{ scope: SCOPE, resource: apiResource(context) },
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await signClientAssertion(context, key),
      });
      await saveTokens(context, await server.tokens(sig, grant, 'sign_in_refused'));
    },

    async access(seconds = MARGIN) {
      const secrets = await signedInSecrets(context);
      const { tokens } = secrets;
      const lives = tokens.expires - context.now() >= seconds;
      // Without a refresh token the one at hand is used until the bridge refuses it.
      return accessOf(lives || tokens.refreshToken === null ? secrets : await renew(tokens.accessToken));
    },

    async accessInsteadOf(refused) {
      return accessOf(await renew(refused));
    },

    async end({ forgetDevice = false } = {}) {
      const secrets = await loadSecrets(context);
      if (forgetDevice) await context.keyStore.clear();
      if (secrets?.tokens == null) return;
      if (!forgetDevice) await saveTokens(context, null);
      await revoke(server, secrets.tokens);
    },
  };
}

/** 256 bits: a state, or a code verifier (RFC 7636 §4.1). */
function randomSecret(): string {
  return encodeBase64url(crypto.getRandomValues(new Uint8Array(32)));
}

function accessOf(secrets: DeviceSecrets): Access {
  if (secrets.tokens === null) throw new CountersignError('sign_in_required');
  return { accessToken: secrets.tokens.accessToken, secrets };
}

/** The device forgot the tokens already: that the bridge forgets them too is asked for, not waited for to succeed. */
async function revoke(server: AuthorizationServer, tokens: Tokens): Promise<void> {
  try {
    await server.revoke(tokens.refreshToken ?? tokens.accessToken);
  } catch (error) {
    if (!isCountersignError(error, 'bridge_unreachable')) throw error;
  }
}

async function signedInSecrets(context: ClientContext): Promise<DeviceSecrets & { tokens: Tokens }> {
  const secrets = await loadSecrets(context);
  if (secrets?.tokens == null) throw new CountersignError('sign_in_required');
  return { ...secrets, tokens: secrets.tokens };
}

/** The code of the callback. The URL is attacker-controlled: any page can send the browser to the redirect URI. */
function codeOf(callbackUrl: string, pending: PendingSignIn, issuer: string): string {
  const url = URL.canParse(callbackUrl) ? new URL(callbackUrl) : null;
  if (url === null || withoutQuery(url) !== withoutQuery(new URL(pending.redirectUri))) {
    throw new CountersignError('sign_in_mismatch', 'the browser came back to another address');
  }
  const parameter = (name: string) => {
    const values = url.searchParams.getAll(name);
    if (values.length > 1) throw new CountersignError('sign_in_mismatch', `the answer has two of ${name}`);
    return values[0];
  };
  if (parameter('state') !== pending.state) {
    throw new CountersignError('sign_in_mismatch', 'the answer is to another sign-in');
  }
  if (parameter('iss') !== issuer) {
    throw new CountersignError('sign_in_mismatch', 'the answer is from another authorization server');
  }
  const error = parameter('error');
  if (error !== undefined) {
    throw new CountersignError('sign_in_refused', `the bridge answered ${error.slice(0, 64)}`);
  }
  const code = parameter('code');
  if (code === undefined || code === '') {
    throw new CountersignError('bridge_invalid', 'the answer has no code');
  }
  return code;
}

function withoutQuery({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}
