import * as client from 'openid-client';
import * as z from 'zod';
import { type Clock, seconds } from '../../../bridge/lib/clock.ts';
import { CLOCK_SKEW_S } from '../../../bridge/lib/limits.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import type {
  IdentityConnector,
  LoginCallback,
  PendingLogin,
  SignIn,
  UpstreamIdentity,
} from '../connector.ts';
import { readAuthorizationResponse } from './authorization-response.ts';
import { addressesOf, type Claims, claim, groupsOf, nameOf, saysAll, subjectOf, texts } from './claims.ts';
import { createIdpConfigurationSource, type IdpConfiguration } from './idp-configuration.ts';
import { createIdpFetch } from './idp-fetch.ts';
import { probeKeys } from './published-keys.ts';
import { refusalOf } from './refusals.ts';
import { type CheckedOidcSettings, checkOidcSettings, type OidcSettings } from './settings.ts';

const LOGIN_HINT_LENGTH = 320;

const pendingLogin = z.strictObject({
  issuer: z.string(),
  state: z.string().min(1),
  nonce: z.string().min(1),
  verifier: z.string().min(1),
  /** Seconds since the epoch, when a fresh authentication was asked for; else empty. */
  freshSince: z.string().regex(/^\d*$/),
});

/**
 * An OpenID Connect connection: code flow with PKCE (S256), state and nonce; the ID token's signature is verified
 * even though it came over TLS, because the identity ends in a signed key binding.
 *
 * `deps.fetch` must refuse internal addresses; it is called with `redirect: 'manual'`.
 *
 * @throws CountersignError `config_invalid` at once when the settings have faults.
 */
export function createOidcConnector(
  given: OidcSettings,
  deps: { clock: Clock; fetch: typeof fetch },
): IdentityConnector {
  const settings = checkOidcSettings(given);
  const configurations = createIdpConfigurationSource(settings, deps);
  const redirectUri = new URL(settings.redirectUri).href;

  return {
    protocol: 'oidc',

    async begin({ handle, loginHint, fresh }) {
      const { library } = await configurations.current();
      const nonce = client.randomNonce();
      const verifier = client.randomPKCECodeVerifier();
      const url = client.buildAuthorizationUrl(library, {
        redirect_uri: redirectUri,
        scope: settings.scope,
        state: handle,
        nonce,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        ...(fresh === true ? { prompt: 'login', max_age: '0' } : {}),
        ...(loginHint !== undefined && loginHint.length <= LOGIN_HINT_LENGTH
          ? { login_hint: loginHint }
          : {}),
      });
      const freshSince = fresh === true ? String(seconds(deps.clock)) : '';
      return {
        url: url.href,
        pending: { issuer: settings.issuer, state: handle, nonce, verifier, freshSince },
      };
    },

    async complete(callback, pending) {
      const login = readPending(pending, settings.issuer);
      const { url } = oidcCallback(callback);
      const configuration = await configurations.current();
      const parameters = readAuthorizationResponse(url, {
        state: login.state,
        issuer: settings.issuer,
        issuerRequired: configuration.metadata.authorization_response_iss_parameter_supported,
      });
      const { library } = configuration;
      const tokens = await client
        .authorizationCodeGrant(library, new URL(`${redirectUri}?${parameters}`), {
          expectedState: login.state,
          expectedNonce: login.nonce,
          pkceCodeVerifier: login.verifier,
          idTokenExpected: true,
        })
        .catch((error: unknown) => {
          throw refusalOf(error, 'token');
        });
      const idToken = tokens.claims();
      if (idToken === undefined || tokens.id_token === undefined)
        throw new CountersignError('oidc_token_endpoint');

      const now = seconds(deps.clock);
      checkIdToken(idToken, settings.clientId, now);
      const signIn = signInOf(idToken);
      if (login.freshSince !== '') checkFresh(signIn, Number(login.freshSince));
      const sources = await claimSources(configuration, settings, idToken, tokens.access_token);
      return identityOf(settings, sources, signIn, { idToken, evidence: tokens.id_token });
    },

    async probe() {
      const { metadata } = await configurations.refresh();
      return {
        issuer: metadata.issuer,
        keys: await probeKeys(createIdpFetch(deps.fetch), metadata.jwks_uri),
      };
    },
  };
}

function readPending(pending: PendingLogin, issuer: string): z.output<typeof pendingLogin> {
  const login = pendingLogin.safeParse(pending);
  // Another issuer means that the connection was changed while the person was away.
  if (!login.success || login.data.issuer !== issuer) throw new CountersignError('oidc_state');
  return login.data;
}

function oidcCallback(callback: LoginCallback): { url: string } {
  if (callback.protocol !== 'oidc')
    throw new CountersignError('upstream_invalid', 'This is not an OIDC answer.');
  return callback;
}

/** What the library leaves out: `azp` beside a single audience, and a time of issue in the future. */
function checkIdToken(claims: client.IDToken, clientId: string, now: number): void {
  const authorizedParty = claim(claims, 'azp');
  if (authorizedParty !== undefined && authorizedParty !== clientId)
    throw new CountersignError('oidc_audience');
  if (claims.iat > now + CLOCK_SKEW_S)
    throw new CountersignError('oidc_expired', 'The ID token is from the future.');
}

function signInOf(claims: client.IDToken): SignIn {
  const acr = claim(claims, 'acr');
  // Glewlwyd sends zero for 'unknown'.
  const authTime =
    claims.auth_time === undefined || claims.auth_time === 0 ? null : Math.floor(claims.auth_time);
  return {
    protocol: 'oidc',
    acr: typeof acr === 'string' ? acr : null,
    amr: texts('amr', claim(claims, 'amr'), 32, 256),
    authTime,
  };
}

/** Asked for a fresh authentication, an IdP must show one: a browser can drop `prompt` from the request. */
function checkFresh(signIn: SignIn, since: number): void {
  if (signIn.authTime === null || signIn.authTime < since - CLOCK_SKEW_S)
    throw new CountersignError('oidc_auth_time');
}

/** The ID token, and UserInfo after it where the ID token leaves something out. */
async function claimSources(
  configuration: IdpConfiguration,
  settings: CheckedOidcSettings,
  idToken: client.IDToken,
  accessToken: string,
): Promise<Claims[]> {
  const { metadata, library } = configuration;
  if (metadata.userinfo_endpoint === undefined || saysAll(idToken, settings.claims)) return [idToken];
  const userInfo = await client.fetchUserInfo(library, accessToken, idToken.sub).catch((error: unknown) => {
    throw refusalOf(error, 'userinfo');
  });
  return [idToken, userInfo];
}

function identityOf(
  settings: CheckedOidcSettings,
  sources: readonly Claims[],
  signIn: SignIn,
  proof: { idToken: client.IDToken; evidence: string },
): UpstreamIdentity {
  return {
    issuer: settings.issuer,
    subject: subjectOf(proof.idToken, settings.claims),
    addresses: addressesOf(sources, settings),
    name: nameOf(sources, settings.claims),
    groups: groupsOf(sources, settings.claims),
    signIn,
    assertionId: null,
    assertionExpires: Math.floor(proof.idToken.exp),
    evidence: proof.evidence,
  };
}
