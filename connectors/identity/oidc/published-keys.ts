import { X509Certificate } from 'node:crypto';
import { calculateJwkThumbprint, type JWK } from 'jose';
import type { CustomFetch } from 'openid-client';
import { CountersignError } from '../../../protocol/errors.ts';
import type { ConnectorProbe } from '../connector.ts';

const KEY_TYPES = new Set(['RSA', 'EC', 'OKP']);

/**
 * A fetch that answers requests for `jwksUri` with the keys that can be meant for signatures and everything else as
 * `fetch` does. One member that is no key (or for another use) does not spoil the set; a set that cannot be read is
 * `oidc_keys`.
 */
export function withReadableKeys(fetch: CustomFetch, jwksUri: string): CustomFetch {
  return async (url, options) => {
    const response = await fetch(url, options);
    return url === new URL(jwksUri).href ? Response.json({ keys: await keysOf(response) }) : response;
  };
}

/** Fetches the key set and describes each key; `oidc_keys` when there is none to verify with. */
export async function probeKeys(fetch: CustomFetch, jwksUri: string): Promise<ConnectorProbe['keys']> {
  const options = {
    body: undefined,
    headers: { accept: 'application/json' },
    method: 'GET',
    redirect: 'manual',
  };
  const keys = await keysOf(await fetch(new URL(jwksUri).href, { ...options, redirect: 'manual' }));
  if (keys.length === 0)
    throw new CountersignError('oidc_keys', 'The identity provider publishes no signing key.');
  return Promise.all(
    keys.map(async (key) => ({ id: key.kid ?? (await thumbprint(key)), expires: certificateEnd(key) })),
  );
}

async function keysOf(response: Response): Promise<JWK[]> {
  const document: unknown =
    response.status === 200 ? await response.json().catch(() => undefined) : undefined;
  const keys =
    typeof document === 'object' && document !== null && 'keys' in document ? document.keys : undefined;
  if (!Array.isArray(keys)) {
    throw new CountersignError('oidc_keys', 'The identity provider’s key set cannot be read.');
  }
  return keys.filter(isSigningKey);
}

function isSigningKey(key: unknown): key is JWK {
  if (typeof key !== 'object' || key === null) return false;
  const { kty, use, kid } = key as Record<string, unknown>;
  const named = kid === undefined || typeof kid === 'string';
  return typeof kty === 'string' && KEY_TYPES.has(kty) && (use === undefined || use === 'sig') && named;
}

async function thumbprint(key: JWK): Promise<string> {
  return calculateJwkThumbprint(key).catch((cause: unknown) => {
    throw new CountersignError('oidc_keys', 'The identity provider publishes a malformed key.', { cause });
  });
}

function certificateEnd(key: JWK): number | null {
  const [leaf] = Array.isArray(key.x5c) ? key.x5c : [];
  if (typeof leaf !== 'string') return null;
  try {
    return Math.floor(Date.parse(new X509Certificate(Buffer.from(leaf, 'base64')).validTo) / 1000);
  } catch {
    return null;
  }
}
