import { createHash } from 'node:crypto';
import { compactVerify, decodeProtectedHeader, importJWK } from 'jose';
import { verifyDpopProof } from '../../../protocol/dpop.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import { type SignatureKey, thumbprint } from '../../../protocol/public-key.ts';
import { type FakeAnswer, type FakeRequest, json } from './fake-requests.ts';
import { type Lies, tell } from './lies.ts';

interface Grant {
  readonly address: string;
  readonly jkt: string;
}

/** The authorization server of the fake bridge: PAR, PKCE, DPoP and rotation are demanded as the real one does. */
export class FakeAuthorizationServer {
  /** The nonce that every DPoP proof must carry, if any (RFC 9449 §8). */
  nonce: string | null = null;
  /** Seconds that an access token says it lives. */
  tokenLife = 3600;
  refreshes = 0;
  readonly #issuer: string;
  readonly #lies: Lies;
  readonly #pushed = new Map<string, { parameters: URLSearchParams; jkt: string }>();
  readonly #codes = new Map<string, Grant & { challenge: string; redirectUri: string }>();
  readonly #refreshTokens = new Map<string, Grant>();
  readonly #accessTokens = new Map<string, Grant>();
  #count = 0;

  constructor(issuer: string, lies: Lies) {
    this.#issuer = issuer;
    this.#lies = lies;
  }

  /** Every access token is forgotten; refresh tokens stay. */
  forgetAccessTokens(): void {
    this.#accessTokens.clear();
  }

  forgetEverything(): void {
    this.#accessTokens.clear();
    this.#refreshTokens.clear();
  }

  async answer(request: FakeRequest): Promise<FakeAnswer | null> {
    switch (`${request.method} ${request.url.pathname}`) {
      case 'GET /.well-known/oauth-authorization-server':
        return json(200, this.#metadata());
      case 'POST /oauth/request':
        return this.#push(request);
      case 'GET /oauth/auth':
        return this.#authorize(request.url.searchParams);
      case 'POST /oauth/token':
        return this.#token(request);
      case 'POST /oauth/token/revocation':
        this.#refreshTokens.delete(new URLSearchParams(request.body).get('token') ?? '');
        return { status: 200 };
      default:
        return null;
    }
  }

  /** Who sends this API request; throws as the real bridge does, or answers a demand for a nonce. */
  async holder(request: FakeRequest, now: number): Promise<(Grant & { accessToken: string }) | FakeAnswer> {
    const accessToken = /^DPoP (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const proof = String(request.headers.dpop ?? '');
    const expected = { method: request.method, url: `${this.#issuer}${request.url.pathname}`, accessToken };
    const { jkt } = await verifyDpopProof(proof, expected, now);
    if (this.nonce !== null && nonceOf(proof) !== this.nonce) {
      const headers = { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': this.nonce };
      return { status: 401, headers };
    }
    const grant = this.#accessTokens.get(accessToken);
    if (grant === undefined || grant.jkt !== jkt) throw new CountersignError('unauthenticated');
    return { ...grant, accessToken };
  }

  #metadata() {
    return {
      issuer: this.#issuer,
      authorization_endpoint: `${this.#issuer}/oauth/auth`,
      token_endpoint: `${this.#issuer}/oauth/token`,
      pushed_authorization_request_endpoint: `${this.#issuer}/oauth/request`,
      revocation_endpoint: `${this.#issuer}/oauth/token/revocation`,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      require_pushed_authorization_requests: true,
    };
  }

  async #push(request: FakeRequest): Promise<FakeAnswer> {
    const proven = await this.#prove(request);
    if (typeof proven !== 'string') return proven;
    const parameters = new URLSearchParams(request.body);
    if (!parameters.get('scope')?.split(' ').includes('countersign'))
      return json(400, { error: 'invalid_scope' });
    if (parameters.get('resource') !== `${this.#issuer}/v1`) return json(400, { error: 'invalid_target' });
    const uri = `urn:ietf:params:oauth:request_uri:${this.#next()}`;
    this.#pushed.set(uri, { parameters, jkt: proven });
    return json(201, { request_uri: uri, expires_in: 60 });
  }

  /** Signs the person in whom the app hinted at, without asking anybody. */
  async #authorize(query: URLSearchParams): Promise<FakeAnswer> {
    const pushed = this.#pushed.get(query.get('request_uri') ?? '');
    if (pushed === undefined) return json(400, { error: 'invalid_request' });
    const { parameters, jkt } = pushed;
    const redirectUri = parameters.get('redirect_uri') ?? '';
    const code = this.#next();
    const challenge = parameters.get('code_challenge') ?? '';
    this.#codes.set(code, { address: parameters.get('login_hint') ?? '', jkt, challenge, redirectUri });
    const callback = new URL(redirectUri);
    callback.searchParams.set('code', code);
    callback.searchParams.set('state', parameters.get('state') ?? '');
    callback.searchParams.set('iss', this.#issuer);
    const told = await tell(this.#lies, 'callback', callback);
    return { status: 303, headers: { location: told.href } };
  }

  async #token(request: FakeRequest): Promise<FakeAnswer> {
    const proven = await this.#prove(request);
    if (typeof proven !== 'string') return proven;
    const parameters = new URLSearchParams(request.body);
    const grant = this.#redeem(parameters);
    if (grant === undefined || grant.jkt !== proven) return json(400, { error: 'invalid_grant' });
    const accessToken = this.#next();
    const refreshToken = this.#next();
    this.#accessTokens.set(accessToken, grant);
    this.#refreshTokens.set(refreshToken, grant);
    const honest = {
      access_token: accessToken,
      refresh_token: refreshToken,
      token_type: 'DPoP',
      expires_in: this.tokenLife,
    };
    return json(200, await tell(this.#lies, 'tokenResponse', honest), { 'cache-control': 'no-store' });
  }

  #redeem(parameters: URLSearchParams): Grant | undefined {
    if (parameters.get('grant_type') === 'refresh_token') {
      this.refreshes += 1;
      const token = parameters.get('refresh_token') ?? '';
      const grant = this.#refreshTokens.get(token);
      this.#refreshTokens.delete(token);
      return grant;
    }
    const code = this.#codes.get(parameters.get('code') ?? '');
    this.#codes.delete(parameters.get('code') ?? '');
    const verifier = parameters.get('code_verifier') ?? '';
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    const fits = code?.challenge === challenge && code.redirectUri === parameters.get('redirect_uri');
    return fits ? { address: code.address, jkt: code.jkt } : undefined;
  }

  /** Proof of possession at an endpoint of OAuth itself, where there is no access token yet. */
  async #prove(request: FakeRequest): Promise<string | FakeAnswer> {
    const proof = String(request.headers.dpop ?? '');
    const header = decodeProtectedHeader(proof);
    const jwk = header.jwk as SignatureKey;
    const { payload } = await compactVerify(proof, await importJWK(jwk, 'Ed25519'));
    const claims = JSON.parse(new TextDecoder().decode(payload));
    if (claims.htu !== `${this.#issuer}${request.url.pathname}` || claims.htm !== 'POST') {
      return json(400, { error: 'invalid_dpop_proof' });
    }
    if (this.nonce !== null && claims.nonce !== this.nonce) {
      return json(400, { error: 'use_dpop_nonce' }, { 'dpop-nonce': this.nonce });
    }
    return thumbprint({ kty: 'OKP', crv: 'Ed25519', x: jwk.x });
  }

  #next(): string {
    this.#count += 1;
    return `fake-${this.#count}-${crypto.randomUUID()}`;
  }
}

function nonceOf(proof: string): unknown {
  return JSON.parse(Buffer.from(proof.split('.')[1] ?? '', 'base64url').toString()).nonce;
}
