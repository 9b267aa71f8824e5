import { createPrivateKey } from 'node:crypto';
import { type Client, type Configuration, errors, interactionPolicy, type JWK } from 'oidc-provider';
import { findPerson } from '../directory/persons.ts';
import {
  AUTHORIZATION_CODE_LIFE_S,
  DEVICE_CODE_LIFE_S,
  GRANT_LIFE_S,
  SIGN_IN_LIFE_S,
} from '../lib/limits.ts';
import type { Signer } from '../signer/signer.ts';
import { createRecordAdapters, type RecordAdapterDeps } from './record-adapter.ts';
import { createAssertionCheck } from './service-tokens.ts';

/** What a token must have for the client API. */
export const API_SCOPE = 'countersign';

/** Where a person types the code that a device shows. */
export const DEVICE_PAGE = '/device';

/** Where an app sends the browser, with a request that it pushed. */
export const AUTHORIZATION_PATH = '/oauth/authorize';

/** The page of an interaction. */
export const signInPath = (uid: string) => `/sign-in/${uid}`;

/** What a grant of ours gives. */
export const SCOPES = ['openid', 'offline_access', API_SCOPE] as const;

/** What tokens are for (RFC 8707), whether an app says so or not. */
export const apiResource = (issuer: string) => `${issuer}/v1`;

export interface ProviderSettings {
  readonly accessTokenSeconds: number;
  readonly refreshTokenSeconds: number;
}

export interface ProviderDeps extends RecordAdapterDeps {
  readonly issuer: string;
  readonly signer: Signer;
  readonly settings: ProviderSettings;
  readonly renderError: NonNullable<Configuration['renderError']>;
}

/**
 * OAuth 2.1 for public clients: code with PKCE (S256), pushed requests and DPoP-bound tokens are required, refresh
 * tokens are used once. There is no consent page: apps are the company's own, registered by its administrators.
 */
export function providerConfiguration(deps: ProviderDeps): Configuration {
  const { database, signer, settings } = deps;
  const secrets = signer.deriveSecret('cookies', 64);
  const checkAssertion = createAssertionCheck(deps);
  const policy = interactionPolicy.base();
  policy.remove('consent');
  return {
    adapter: createRecordAdapters(deps),
    jwks: { keys: [idTokenKey(signer)] },
    cookies: {
      keys: [Buffer.from(secrets.subarray(0, 32)).toString('base64url')],
      names: {
        session: '__Secure-countersign-session',
        interaction: '__Secure-countersign-sign-in',
        resume: '__Secure-countersign-resume',
      },
      short: { httpOnly: true, sameSite: 'lax', secure: true },
      long: { httpOnly: true, sameSite: 'lax', secure: true },
    },
    routes: {
      authorization: AUTHORIZATION_PATH,
      pushed_authorization_request: '/oauth/request',
      token: '/oauth/token',
      revocation: '/oauth/revocation',
      jwks: '/oauth/jwks',
      device_authorization: '/oauth/device-authorization',
      // The person's side is a page of ours: the library's own is never reached.
      code_verification: DEVICE_PAGE,
    },
    interactions: { policy, url: (_ctx, { uid }) => signInPath(uid) },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: async () => apiResource(deps.issuer),
        useGrantedResource: async () => true,
        getResourceServerInfo: async (_ctx, resource) => {
          if (resource !== apiResource(deps.issuer)) throw new errors.InvalidTarget();
          return { scope: API_SCOPE, audience: resource, accessTokenFormat: 'opaque' };
        },
      },
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
      dPoP: { enabled: true, nonceSecret: Buffer.from(secrets.subarray(32)) },
      deviceFlow: { enabled: true, charset: 'base-20', mask: '****-****', deviceInfo: () => ({}) },
      clientCredentials: { enabled: true },
      revocation: {
        enabled: true,
        allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId,
      },
    },
    pkce: { required: () => true },
    scopes: [...SCOPES],
    claims: { openid: ['sub'] },
    responseTypes: ['code'],
    // Apps prove nothing by their id; services prove themselves by their keys.
    clientAuthMethods: ['none', 'private_key_jwt'],
    assertJwtClientAuthClaimsAndHeader: (_ctx, claims) => checkAssertion(claims, deps.issuer),
    enabledJWA: {
      clientAuthSigningAlgValues: ['Ed25519'],
      idTokenSigningAlgValues: ['Ed25519'],
      dPoPSigningAlgValues: ['Ed25519', 'ES256'],
    },
    extraClientMetadata: { properties: ['cors_origins'] },
    clientBasedCORS: (_ctx, origin, client) => corsOriginsOf(client).includes(origin),
    rotateRefreshToken: true,
    issueRefreshToken: async () => true,
    // There is no session for them to expire with.
    expiresWithSession: async () => false,
    findAccount: async (_ctx, sub) => {
      const person = await database.read((query) => findPerson(query, sub));
      if (person?.status !== 'active') return undefined;
      return { accountId: sub, claims: () => ({ sub }) };
    },
    ttl: {
      AccessToken: settings.accessTokenSeconds,
      AuthorizationCode: AUTHORIZATION_CODE_LIFE_S,
      ClientCredentials: settings.accessTokenSeconds,
      DeviceCode: DEVICE_CODE_LIFE_S,
      Grant: GRANT_LIFE_S,
      IdToken: 300,
      Interaction: SIGN_IN_LIFE_S,
      RefreshToken: settings.refreshTokenSeconds,
      Session: SIGN_IN_LIFE_S,
    },
    renderError: deps.renderError,
  };
}

function corsOriginsOf(client: Client): readonly unknown[] {
  const origins = client.cors_origins;
  return Array.isArray(origins) ? origins : [];
}

/** An Ed25519 key derived from the key-encryption key: it signs ID tokens alone, which nothing of ours rests on. */
function idTokenKey(signer: Signer): JWK {
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
  const seed = signer.deriveSecret('oauth-signing-key', 32);
  const key = createPrivateKey({ key: Buffer.concat([prefix, seed]), format: 'der', type: 'pkcs8' });
  return { ...(key.export({ format: 'jwk' }) as JWK), alg: 'Ed25519', use: 'sig' };
}
