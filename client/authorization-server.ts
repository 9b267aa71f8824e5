import * as oauth from 'openid-client';
import { importSignatureKey, type SigningKey } from '../protocol/ed25519.ts';
import { CountersignError, isCountersignError } from '../protocol/errors.ts';
import type { ClientContext } from './context.ts';

/** The bridge as OAuth authorization server, and this device's proofs of possession for it. */
export interface AuthorizationServer {
  readonly configuration: oauth.Configuration;
  readonly dpop: { readonly DPoP: oauth.DPoPHandle };
}

/** What tokens are asked for: the client API of the bridge (RFC 8707). */
export const apiResource = (context: ClientContext) => `${context.issuer}/v1`;

/** Finds the endpoints once; the answer for a device is reused, so that DPoP nonces are remembered. */
export function createServerAccess(
  context: ClientContext,
): (sig: SigningKey) => Promise<AuthorizationServer> {
  let metadata: Promise<oauth.ServerMetadata> | null = null;
  let last: { kid: string; skew: number; server: AuthorizationServer } | null = null;

  return async (sig) => {
    metadata ??= discover(context);
    const found = await metadata.catch((error: unknown) => {
      metadata = null;
      throw error;
    });
    const skew = context.now() - Math.floor(Date.now() / 1000);
    if (last?.kid !== sig.kid || Math.abs(last.skew - skew) > 1) {
      last = { kid: sig.kid, skew, server: await configure(context, found, sig, skew) };
    }
    return last.server;
  };
}

/** The library's type of a body is wider than the DOM's, what it sends is not. */
function customFetch(context: ClientContext): oauth.CustomFetch {
  return (url, options) => context.fetch(url, options as RequestInit);
}

async function discover(context: ClientContext): Promise<oauth.ServerMetadata> {
  try {
    const found = await oauth.discovery(new URL(context.issuer), context.clientId, undefined, oauth.None(), {
      algorithm: 'oauth2',
      [oauth.customFetch]: customFetch(context),
    });
    return found.serverMetadata();
  } catch (error) {
    throw oauthError(error, 'bridge_invalid');
  }
}

async function configure(
  context: ClientContext,
  metadata: oauth.ServerMetadata,
  sig: SigningKey,
  skew: number,
): Promise<AuthorizationServer> {
  const client = { [oauth.clockSkew]: skew };
  const configuration = new oauth.Configuration(metadata, context.clientId, client, oauth.None());
  configuration[oauth.customFetch] = customFetch(context);
  const keys = { privateKey: sig.privateKey, publicKey: await importSignatureKey(sig.publicKey) };
  return { configuration, dpop: { DPoP: oauth.getDPoPHandle(configuration, keys) } };
}

/** Our error for one of the library; `invalidGrant` says what a code or refresh token that is not taken means here. */
export function oauthError(
  cause: unknown,
  invalidGrant: 'sign_in_refused' | 'sign_in_required' | 'bridge_invalid',
): CountersignError {
  if (isCountersignError(cause)) return cause;
  if (cause instanceof oauth.ResponseBodyError) {
    const code = cause.error === 'invalid_grant' ? invalidGrant : 'bridge_invalid';
    return new CountersignError(code, `the authorization server answered ${cause.error}`, { cause });
  }
  if (cause instanceof oauth.ClientError && cause.code === 'OAUTH_TIMEOUT') {
    return new CountersignError('bridge_unreachable', undefined, { cause });
  }
  if (cause instanceof oauth.ClientError || cause instanceof oauth.WWWAuthenticateChallengeError) {
    return new CountersignError('bridge_invalid', cause.message, { cause });
  }
  return new CountersignError('bridge_unreachable', undefined, { cause });
}
