import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { CompactSign, exportJWK, generateKeyPair, type JWK } from 'jose';

type Json = Record<string, unknown>;

/** A signing key of the lying IdP. */
export interface LyingKey {
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

/** Where the lying IdP departs from the truth; every member gets the honest answer and returns what is sent. */
export interface Lies {
  discovery?(document: Json): Json;
  keys?(keys: JWK[]): unknown[];
  /** What the browser carries back to the client; changed in place. */
  callback?(parameters: URLSearchParams): void;
  header?(header: Json): Json;
  claims?(claims: Json): Json;
  /** Signs in place of the IdP's key. */
  sign?(header: Json, claims: Json): Promise<string> | string;
  token?(answer: Json): Json;
  userInfo?(claims: Json): Json;
  /** Answers a path in any way at all. `undefined` leaves it to the others. */
  raw?(path: string): { status: number; headers?: Record<string, string>; body?: string } | undefined;
}

export interface SeenRequest {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: URLSearchParams;
}

export interface LyingIdp {
  readonly issuer: string;
  /** Every request since the last `lie`, in order. */
  readonly requests: readonly SeenRequest[];
  readonly key: LyingKey;
  /** Replaces all lies, and forgets the requests seen. */
  lie(lies: Lies): void;
  /** Signs with a new key from now on, and publishes only that. */
  rotate(kid: string): Promise<void>;
  close(): Promise<void>;
}

/** An OpenID provider of the bare minimum over real TLS: everybody is Alice, and each part of it can lie. */
export async function startLyingIdp(tls: { key: string; cert: string }, host: string): Promise<LyingIdp> {
  const grants = new Map<string, { nonce: string; challenge: string; clientId: string }>();
  const requests: SeenRequest[] = [];
  let lies: Lies = {};
  let key = await newLyingKey('key-1');
  const server = createServer(tls, (request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `https://${host}:${(server.address() as AddressInfo).port}`;

  const routes: Record<
    string,
    (request: SeenRequest, query: URLSearchParams, response: ServerResponse) => unknown
  > = {
    '/.well-known/openid-configuration': () => told(lies.discovery, discoveryOf(issuer)),
    '/jwks': () => ({ keys: told<unknown[], JWK[]>(lies.keys, [key.publicJwk]) }),
    '/authorize': (_request, query, response) => redirectBack(query, response),
    '/token': (request) => tokenFor(request),
    '/userinfo': () => told(lies.userInfo, { sub: 'alice-1', ...PROFILE }),
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', issuer);
    const { authorization } = request.headers;
    const seen = { path: pathname, authorization, body: new URLSearchParams(await text(request)) };
    requests.push(seen);
    const raw = lies.raw?.(pathname);
    if (raw !== undefined) return void response.writeHead(raw.status, raw.headers).end(raw.body);
    const body = await routes[pathname]?.(seen, searchParams, response);
    if (response.writableEnded) return;
    const status = body === undefined ? 404 : isRefusal(body) ? 400 : 200;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body ?? {}));
  }

  function redirectBack(query: URLSearchParams, response: ServerResponse): void {
    const code = crypto.randomUUID();
    grants.set(code, {
      nonce: query.get('nonce') ?? '',
      challenge: query.get('code_challenge') ?? '',
      clientId: query.get('client_id') ?? '',
    });
    const back = new URLSearchParams({ code, state: query.get('state') ?? '', iss: issuer });
    lies.callback?.(back);
    response.writeHead(303, { location: `${query.get('redirect_uri')}?${back}` }).end();
  }

  async function tokenFor({ body }: SeenRequest): Promise<Json> {
    const code = body.get('code') ?? '';
    const grant = grants.get(code);
    grants.delete(code);
    if (grant === undefined || grant.challenge !== (await s256(body.get('code_verifier') ?? ''))) {
      return { error: 'invalid_grant', error_description: 'The code or its verifier is wrong.' };
    }
    const now = Math.floor(Date.now() / 1000);
    const honest = {
      iss: issuer,
      sub: 'alice-1',
      aud: grant.clientId,
      iat: now,
      exp: now + 300,
      nonce: grant.nonce,
    };
    const claims = told<Json, Json>(lies.claims, { ...honest, auth_time: now, ...PROFILE });
    const header = told<Json, Json>(lies.header, { alg: 'RS256', kid: key.publicJwk.kid });
    const idToken = await (lies.sign ?? ((h, c) => signed(h, c, key.privateKey)))(header, claims);
    return told<Json, Json>(lies.token, { access_token: 'opaque', token_type: 'Bearer', id_token: idToken });
  }

  return {
    issuer,
    requests,
    get key() {
      return key;
    },
    lie(next) {
      lies = next;
      requests.length = 0;
    },
    async rotate(kid) {
      key = await newLyingKey(kid);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const PROFILE = { email: 'alice@acme.example', email_verified: true, name: 'Alice Archer' };

/** A new RS256 key. */
export async function newLyingKey(kid: string): Promise<LyingKey> {
  const pair = await generateKeyPair('RS256', { extractable: true });
  return {
    privateKey: pair.privateKey,
    publicJwk: { ...(await exportJWK(pair.publicKey)), kid, alg: 'RS256', use: 'sig' },
  };
}

/** A compact JWS with this very header. */
export function signed(header: Json, claims: Json, key: CryptoKey | Uint8Array): Promise<string> {
  return new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: 'RS256', ...header })
    .sign(key);
}

function discoveryOf(issuer: string): Json {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    userinfo_endpoint: `${issuer}/userinfo`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  };
}

function told<Out, In extends Out>(lie: ((honest: In) => Out) | undefined, honest: In): Out {
  return lie === undefined ? honest : lie(honest);
}

function isRefusal(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'error' in body;
}

async function s256(verifier: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  return Buffer.from(digest).toString('base64url');
}
