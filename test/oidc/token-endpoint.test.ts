import { decodeProtectedHeader, exportPKCS8, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import type { OidcSettings } from '../../connectors/identity/oidc/settings.ts';
import { newLyingKey } from '../fakes/oidc-idp/lying-idp.ts';
import { CLIENT_ID, REDIRECT_URI, useLyingIdp } from './lying-idp-fixture.ts';

const fixture = useLyingIdp();
const SECRET = 'a-secret+with/odd=characters';
const basic = (credentials: string) => `Basic ${Buffer.from(credentials).toString('base64')}`;

async function tokenRequest(authentication: OidcSettings['authentication']) {
  fixture.idp.lie({});
  await fixture.signIn(fixture.connector({ authentication }));
  const request = fixture.idp.requests.find(({ path }) => path === '/token');
  return { authorization: request?.authorization, body: Object.fromEntries(request?.body ?? []) };
}

describe('The token request', () => {
  it('carries the verifier and the redirect URI', async () => {
    const { body } = await tokenRequest({ method: 'none' });
    expect(body).toMatchObject({
      grant_type: 'authorization_code',
      redirect_uri: REDIRECT_URI,
      client_id: CLIENT_ID,
      code_verifier: expect.stringMatching(/^[\w-]{43}$/),
    });
    expect(body).not.toHaveProperty('client_secret');
  });

  it('sends the secret in the body (client_secret_post)', async () => {
    const { authorization, body } = await tokenRequest({ method: 'client_secret_post', secret: SECRET });
    expect(body.client_secret).toBe(SECRET);
    expect(authorization).toBeUndefined();
  });

  it('sends the secret form-encoded in the header (client_secret_basic)', async () => {
    const { authorization, body } = await tokenRequest({ method: 'client_secret_basic', secret: SECRET });
    expect(authorization).toBe(basic(`${CLIENT_ID}:a%2Dsecret%2Bwith%2Fodd%3Dcharacters`));
    expect(body).not.toHaveProperty('client_secret');
  });

  it('sends the secret as it is to IdPs that do not decode it (client_secret_basic_raw)', async () => {
    const { authorization } = await tokenRequest({ method: 'client_secret_basic_raw', secret: SECRET });
    expect(authorization).toBe(basic(`${CLIENT_ID}:${SECRET}`));
  });

  it('signs an assertion (private_key_jwt)', async () => {
    const { privateKey, publicJwk } = await newLyingKey('client-key');
    const { body } = await tokenRequest({
      method: 'private_key_jwt',
      privateKey: await exportPKCS8(privateKey),
      algorithm: 'RS256',
      keyId: 'client-key',
    });
    const assertion = body.client_assertion ?? '';
    const { payload } = await jwtVerify(assertion, publicJwk, { issuer: CLIENT_ID, subject: CLIENT_ID });
    expect(decodeProtectedHeader(assertion)).toMatchObject({ alg: 'RS256', kid: 'client-key' });
    expect(payload.aud).toBe(fixture.idp.issuer);
  });
});

describe('The token answer is refused', () => {
  const raw = (answer: { status: number; headers?: Record<string, string>; body?: string }) => ({
    raw: (path: string) => (path === '/token' ? answer : undefined),
  });
  const json = { 'content-type': 'application/json' };

  it('when it is an OAuth error, of which the code is told', async () => {
    const body = '{"error":"invalid_client","error_description":"the secret is hunter2"}';
    const { message } = await fixture.refuses(
      'oidc_token_endpoint',
      raw({ status: 401, headers: json, body }),
    );
    expect(message).toContain('invalid_client');
    expect(message).not.toContain('hunter2');
  });

  it('when it is a challenge for credentials', async () => {
    await fixture.refuses(
      'oidc_token_endpoint',
      raw({ status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }),
    );
  });

  it('when it is a page', async () => {
    const headers = { 'content-type': 'text/html' };
    await fixture.refuses('oidc_token_endpoint', raw({ status: 200, headers, body: '<html>' }));
  });

  it('when it holds no ID token', async () => {
    await fixture.refuses('oidc_token_endpoint', { token: ({ id_token: _left, ...answer }) => answer });
  });

  it('when its access token is of an unknown type', async () => {
    await fixture.refuses('oidc_token_endpoint', { token: (answer) => ({ ...answer, token_type: 'mac' }) });
  });

  it('when it is a redirect to another host', async () => {
    await fixture.refuses(
      'upstream_invalid',
      raw({ status: 307, headers: { location: 'https://evil.example/' } }),
    );
  });

  it('when it is larger than anybody needs', async () => {
    const body = JSON.stringify({ padding: 'x'.repeat(2_000_000) });
    await fixture.refuses('upstream_invalid', raw({ status: 200, headers: json, body }));
  });

  it('as unreachable when the IdP fails', async () => {
    await fixture.refuses('upstream_unreachable', raw({ status: 502 }));
  });
});
