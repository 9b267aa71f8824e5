import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import { createClientApp, passIdp, signInWith } from '../identity/client-app.ts';
import { ALICE, REDIRECT_URI, type SignInFixture, signInFixture } from '../identity/sign-in-fixture.ts';

const WEB_ORIGIN = 'https://app.acme.localhost';
const S256 = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
let bridge: SignInFixture;

beforeAll(async () => {
  bridge = await signInFixture();
  await bridge.addDomain('acme.example');
  await bridge.connectOidc(['acme.example']);
  await bridge.apps.register(
    { id: 'meet', name: 'Acme Meet', redirectUris: [REDIRECT_URI], corsOrigins: [WEB_ORIGIN] },
    SYSTEM,
  );
  await bridge.apps.register(
    { id: 'desktop', name: 'Desktop', redirectUris: ['http://127.0.0.1/callback'] },
    SYSTEM,
  );
});

afterAll(() => bridge.remove());

const valid = {
  client_id: 'meet',
  response_type: 'code',
  redirect_uri: REDIRECT_URI,
  scope: 'countersign',
  state: 'state-1',
  code_challenge: S256,
  code_challenge_method: 'S256',
};

async function push(changes: Record<string, string | undefined>, headers: Record<string, string> = {}) {
  const fields = Object.entries({ ...valid, ...changes }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  const response = await bridge.fetch(`${bridge.issuer}/oauth/request`, {
    method: 'POST',
    body: new URLSearchParams(fields),
    headers,
  });
  return { response, body: (await response.json()) as Record<string, string> };
}

describe('An authorization request', () => {
  it('is taken with PKCE and a registered redirect URI', async () => {
    const { response, body } = await push({});
    expect(response.status).toBe(201);
    expect(body.request_uri).toMatch(/^urn:ietf:params:oauth:request_uri:/);
  });

  it.each([
    ['without PKCE', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['with PKCE in the plain', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['with PKCE of no method, which means plain', { code_challenge_method: undefined }, 'invalid_request'],
    ['to an unregistered redirect URI', { redirect_uri: 'https://evil.example/cb' }, 'invalid_request'],
    ['to a redirect URI with a path added', { redirect_uri: `${REDIRECT_URI}/x` }, 'invalid_request'],
    ['to a redirect URI with a query added', { redirect_uri: `${REDIRECT_URI}?x=1` }, 'invalid_request'],
    ['for an implicit token', { response_type: 'token' }, 'unsupported_response_type'],
    ['for another resource', { resource: 'https://other.example/' }, 'invalid_target'],
    ['of an app that nobody registered', { client_id: 'nobody' }, 'invalid_client'],
  ])('is refused %s', async (_what, changes, error) => {
    const { response, body } = await push(changes);
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(body.error).toBe(error);
  });

  it('must be pushed: what stands in the browser’s address is refused', async () => {
    const url = new URL(`${bridge.issuer}/oauth/authorize`);
    url.search = new URLSearchParams(valid).toString();
    const page = await bridge.browser().open(url.href);
    const back = new URL(page.url);
    expect(page.stopped).toBe(true);
    expect(back.searchParams.get('error')).toBe('invalid_request');
    expect(back.searchParams.has('code')).toBe(false);
  });

  it('that names a foreign redirect URI ends on a page of ours', async () => {
    const url = new URL(`${bridge.issuer}/oauth/authorize`);
    const redirect_uri = 'https://evil.example/"><script>alert(1)</script>';
    url.search = new URLSearchParams({ ...valid, redirect_uri }).toString();
    const page = await bridge.browser().open(url.href);
    expect(page).toMatchObject({ stopped: false, status: 400 });
    expect(page.html).toContain('The app’s request is not valid');
    expect(page.html).not.toContain('<script>');
  });

  it('tells the app when the person cancels', async () => {
    const app = await createClientApp(bridge.issuer, bridge.fetch);
    const browser = bridge.browser();
    const page = await browser.open((await app.begin()).url);
    const cancel = /href="([^"]+\/cancel)"/.exec(page.html)?.[1] ?? '';
    const back = new URL((await browser.open(`${bridge.issuer}${cancel}`)).url);
    expect(back.searchParams.get('error')).toBe('access_denied');
    expect(back.searchParams.get('iss')).toBe(bridge.issuer);
  });

  it('begins one sign-in, however often its address is opened, and by whomever', async () => {
    const { body } = await push({});
    const url = new URL(`${bridge.issuer}/oauth/authorize`);
    url.search = new URLSearchParams({ client_id: 'meet', request_uri: body.request_uri ?? '' }).toString();
    const open = async () => {
      const answer = await bridge.fetch(url, { redirect: 'manual' });
      await answer.body?.cancel();
      return { status: answer.status, to: answer.headers.get('location') };
    };
    const first = await open();
    expect(first).toEqual({ status: 303, to: expect.stringMatching(/^\/sign-in\/[\w-]{43}$/) });
    for (let count = 0; count < 5; count += 1) expect(await open()).toEqual(first);
    const stranger = await bridge.fetch(new URL(first.to ?? '', bridge.issuer));
    expect(stranger.status).toBe(400);
  });

  it('opened twice at once begins one sign-in', async () => {
    const { body } = await push({});
    const url = new URL(`${bridge.issuer}/oauth/authorize`);
    url.search = new URLSearchParams({ client_id: 'meet', request_uri: body.request_uri ?? '' }).toString();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => bridge.fetch(url, { redirect: 'manual' })),
    );
    await Promise.all(answers.map((answer) => answer.body?.cancel()));
    const begun = answers.map(({ headers }) => headers.get('location')).filter((to) => to !== null);
    const pages = begun.filter((to) => to.startsWith('/sign-in/'));
    expect(new Set(pages).size).toBe(1);
    // Those that came while the first one took it are told so, as the store goes: none begins another.
    const refused = begun
      .filter((to) => !pages.includes(to))
      .map((to) => new URL(to).searchParams.get('error'));
    expect(refused).toEqual(refused.map(() => 'invalid_request_uri'));
  });

  it('can be loaded again by the browser that opened it, which then signs in', async () => {
    const app = await createClientApp(bridge.issuer, bridge.fetch);
    const browser = bridge.browser();
    const begun = await app.begin();
    const first = await browser.open(begun.url);
    const again = await browser.open(begun.url);
    expect({ status: again.status, url: again.url }).toEqual({ status: 200, url: first.url });
    const form = again.forms[0];
    if (form === undefined) throw new Error('the page has no form');
    const idp = await browser.submit(again, form, { address: ALICE.email });
    const back = await passIdp(idp, browser, ALICE);
    expect((await begun.finish(back.url)).accessToken).not.toBe('');
  });

  it('without an address is asked for it, on a page that names the app', async () => {
    const app = await createClientApp(bridge.issuer, bridge.fetch);
    const browser = bridge.browser();
    const begun = await app.begin();
    const page = await browser.open(begun.url);
    expect(page.html).toContain('Acme Meet');
    const form = page.forms[0];
    if (form === undefined) throw new Error('the page has no form');
    const unknown = await browser.submit(page, form, { address: '"><b>@nowhere.example' });
    expect(unknown.html).toContain('No sign-in is set up for this address');
    expect(unknown.html).not.toContain('"><b>');
    const idp = await browser.submit(page, form, { address: ALICE.email });
    const back = await passIdp(idp, browser, ALICE);
    expect((await begun.finish(back.url)).accessToken).not.toBe('');
  });
});

describe('An authorization code', () => {
  it('needs the verifier, the key and the app that it was given for, and is used once', async () => {
    const app = await createClientApp(bridge.issuer, bridge.fetch);
    const begun = await app.begin(ALICE.email);
    const browser = bridge.browser();
    const back = await passIdp(await browser.open(begun.url), browser, ALICE);
    const code = new URL(back.url).searchParams.get('code') ?? '';
    const exchange = async (changes: Record<string, string>) => {
      const response = await bridge.fetch(`${bridge.issuer}/oauth/token`, {
        method: 'POST',
        body: new URLSearchParams({
          ...{ grant_type: 'authorization_code', client_id: 'meet', redirect_uri: REDIRECT_URI, code },
          ...changes,
        }),
      });
      return ((await response.json()) as { error: string }).error;
    };
    expect(await exchange({ code_verifier: 'a'.repeat(43) })).toBe('invalid_grant');
    expect(await exchange({})).toBe('invalid_grant');
    const tokens = await begun.finish(back.url);
    expect((await app.me(tokens.accessToken)).status).toBe(200);
    await expect(begun.finish(back.url)).rejects.toMatchObject({ error: 'invalid_grant' });
    await expect(app.me(tokens.accessToken)).rejects.toMatchObject({ status: 401 });
  });

  it('is bound to the key that pushed the request', async () => {
    const app = await createClientApp(bridge.issuer, bridge.fetch);
    const begun = await app.begin(ALICE.email);
    const browser = bridge.browser();
    const back = await passIdp(await browser.open(begun.url), browser, ALICE);
    const rows = await bridge.database.read((query) =>
      query.selectFrom('oauth_records').select('jkt').where('model', '=', 'AuthorizationCode').execute(),
    );
    expect(rows.map(({ jkt }) => jkt)).toContain(app.jkt);
    await bridge.database.transaction((tx) => bridge.authorizationServer.revokeDevice(tx, app.jkt));
    await expect(begun.finish(back.url)).rejects.toMatchObject({ error: 'invalid_grant' });
  });
});

describe('A native app', () => {
  it('may use any port of its loopback address, and its page lets the browser go there', async () => {
    const redirectUri = 'http://127.0.0.1:49152/callback';
    const app = await createClientApp(bridge.issuer, bridge.fetch, { clientId: 'desktop', redirectUri });
    const tokens = await signInWith(app, bridge.browser([redirectUri]), ALICE, ALICE.email);
    expect((await app.me(tokens.accessToken)).status).toBe(200);
  });

  it('is named by the policy of its page, so that the browser may go there after a form', async () => {
    const redirectUri = 'http://127.0.0.1:49152/callback';
    const app = await createClientApp(bridge.issuer, bridge.fetch, { clientId: 'desktop', redirectUri });
    const begun = await bridge.fetch((await app.begin()).url, { redirect: 'manual' });
    const page = await bridge.fetch(new URL(begun.headers.get('location') ?? '', bridge.issuer), {
      headers: {
        cookie: begun.headers
          .getSetCookie()
          .map((cookie) => cookie.split(';')[0])
          .join('; '),
      },
    });
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'self'; form-action 'self' https: http://127.0.0.1:*; " +
        "frame-ancestors 'none'; base-uri 'none'",
    );
    for (const cookie of begun.headers.getSetCookie()) {
      expect(cookie).toMatch(/^__Secure-.*; secure; httponly/i);
      expect(cookie.toLowerCase()).toContain('samesite=lax');
    }
  });

  it('may not use another host or path', async () => {
    for (const redirect_uri of [
      'http://127.0.0.1:1/other',
      'http://127.0.0.2/callback',
      'http://localhost/callback',
    ])
      expect((await push({ client_id: 'desktop', redirect_uri })).body.error).toBe('invalid_request');
  });
});

describe('The endpoints', () => {
  it('answer browsers of registered origins alone, and show them the nonce', async () => {
    const allowed = await push({}, { origin: WEB_ORIGIN });
    expect(allowed.response.headers.get('access-control-allow-origin')).toBe(WEB_ORIGIN);
    expect(allowed.response.headers.get('access-control-expose-headers')).toContain('DPoP-Nonce');
    const foreign = await push({}, { origin: 'https://evil.example' });
    expect(foreign.body.error).toBe('invalid_request');
    expect(foreign.response.headers.get('access-control-allow-origin')).toBeNull();
    const other = await push(
      { client_id: 'desktop', redirect_uri: 'http://127.0.0.1/callback' },
      { origin: WEB_ORIGIN },
    );
    expect(other.body.error).toBe('invalid_request');
  });

  it('are named by the issuer, whatever Host or request line say', async () => {
    const metadata = (headers: Record<string, string>, path: string) =>
      new Promise<string>((resolve, reject) => {
        const { hostname, port } = new URL(bridge.issuer);
        const options = {
          host: '127.0.0.1',
          servername: hostname,
          port,
          path,
          headers,
          ca: bridge.caCertificate,
        };
        request(options, async (response) => {
          const chunks: Buffer[] = [];
          for await (const chunk of response) chunks.push(chunk as Buffer);
          resolve(Buffer.concat(chunks).toString());
        })
          .on('error', reject)
          .end();
      });
    for (const known of ['openid-configuration', 'oauth-authorization-server']) {
      const path = `/.well-known/${known}`;
      const forged = {
        host: 'evil.example',
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'http',
      };
      const answer = JSON.parse(await metadata(forged, path)) as Record<string, unknown>;
      expect(answer).toMatchObject({
        issuer: bridge.issuer,
        token_endpoint: `${bridge.issuer}/oauth/token`,
        require_pushed_authorization_requests: true,
        code_challenge_methods_supported: ['S256'],
        dpop_signing_alg_values_supported: ['Ed25519', 'ES256'],
      });
      expect(await metadata({}, `https://evil.example${path}`)).not.toContain('evil.example/');
    }
  });

  it('refuse what is too large, of another type or not what it says', async () => {
    const send = async (body: string, type = 'application/x-www-form-urlencoded') => {
      const response = await bridge.fetch(`${bridge.issuer}/oauth/token`, {
        ...{ method: 'POST', body, headers: { 'content-type': type } },
      });
      return response.status;
    };
    expect(await send(`client_id=meet&code=${'x'.repeat(100_000)}`)).toBe(413);
    expect(await send('{}', 'application/json')).toBe(400);
    expect(await send('client_id=meet&client_id=desktop')).toBe(400);
    expect(await send('client_id=meet&grant_type=password&username=a&password=b')).toBe(400);
    const large = await push({ state: 'x'.repeat(52_000) });
    expect([large.response.status, large.body.error]).toEqual([400, 'invalid_request']);
  });

  it('report each refused request as one event with a code', async () => {
    const before = (await bridge.eventsSoFar()).length;
    await push({ code_challenge: undefined, code_challenge_method: undefined });
    const events = (await bridge.eventsSoFar()).slice(before);
    expect(events).toMatchObject([
      { type: 'request.refused', code: 'malformed_request', data: { route: '/oauth/request' } },
    ]);
  });
});
