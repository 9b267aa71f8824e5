import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHeadlessBrowser } from '../fakes/headless-browser.ts';
import { type OidcIdp, startOidcIdp } from '../fakes/oidc-idp/oidc-idp.ts';
import { type ClientApp, createClientApp, signInWith, type Tokens } from '../identity/client-app.ts';
import { ALICE, REDIRECT_URI } from '../identity/sign-in-fixture.ts';
import { type BridgeFixture, bridgeFixture } from './bridge-fixture.ts';

const IDP_HOST = 'login.acme-idp.example';

let bridge: BridgeFixture;
let idp: OidcIdp;
let token: string;

beforeAll(async () => {
  bridge = await bridgeFixture();
  bridge.names.addHost(IDP_HOST, '127.0.0.1');
  idp = await startOidcIdp({
    tls: await bridge.ca.issue([IDP_HOST]),
    issuerHost: IDP_HOST,
    people: [ALICE],
    clients: [
      {
        client_id: 'bridge',
        client_secret: 'secret-of-bridge',
        redirect_uris: [`${bridge.issuer}/sign-in/oidc/login/callback`],
      },
    ],
  });
  token = await bridge.administrator();
});
afterAll(async () => {
  await idp.close();
  await bridge.remove();
});

const ask = (method: string, path: string, body?: unknown) => bridge.ask(method, path, body, token);

/** What an administrator does from nothing to the first sign-in, by the admin API alone. */
async function setUp(): Promise<void> {
  const { body } = await ask('POST', '/admin/v1/domains', { domain: 'acme.example' });
  const { name, value } = body.record as { name: string; value: string };
  bridge.names.setTxt(name, [value]);
  await ask('POST', '/admin/v1/domains/acme.example/verify');
  const created = await ask('POST', '/admin/v1/connections', {
    ...{ id: 'login', name: 'Acme login', protocol: 'oidc', domains: ['acme.example'] },
    settings: {
      issuer: idp.issuer,
      clientId: 'bridge',
      authentication: { method: 'client_secret_basic', secret: 'secret-of-bridge' },
    },
  });
  expect(created.status).toBe(201);
  expect((await ask('POST', '/admin/v1/connections/login/test')).status).toBe(200);
  expect((await ask('POST', '/admin/v1/connections/login/activate')).body).toMatchObject({
    status: 'active',
  });
  const app = { id: 'meet', name: 'Meet', redirectUris: [REDIRECT_URI] };
  expect((await ask('POST', '/admin/v1/apps', app)).status).toBe(201);
}

describe('from nothing to a sign-in, and to its end, over the admin API', () => {
  let app: ClientApp;
  let tokens: Tokens;

  beforeAll(async () => {
    await setUp();
    app = await createClientApp(bridge.issuer, bridge.fetch);
    const browser = createHeadlessBrowser({ fetch: bridge.fetch, stopAt: [REDIRECT_URI] });
    tokens = await signInWith(app, browser, ALICE, ALICE.email);
  });

  it('has the person, found by their address', async () => {
    expect((await app.me(tokens.accessToken)).status).toBe(200);
    const { body } = await ask('GET', '/admin/v1/persons?address=ALICE@acme.example');
    expect(body).toMatchObject({
      persons: [{ status: 'active', name: ALICE.name, addresses: [ALICE.email] }],
      next: null,
    });
  });

  it('does not let a person remove a device that is none of theirs', async () => {
    const { body } = await ask('DELETE', `/admin/v1/persons/nobody/devices/${app.jkt}`);
    expect(body.code).toBe('device_unknown');
  });

  it('ends every token with the person, in the answer’s own transaction', async () => {
    const { body } = await ask('GET', `/admin/v1/persons?address=${ALICE.email}`);
    const [person] = body.persons as { sub: string }[];
    const closed = await ask('POST', `/admin/v1/persons/${person?.sub}/close`, { reason: 'left' });
    expect(closed.status).toBe(200);
    expect(closed.body).toMatchObject({ status: 'closed', revoked: [] });
    expect(closed.body.tokens).toBeGreaterThan(0);
    await expect(app.me(tokens.accessToken)).rejects.toMatchObject({ status: 401 });
    await expect(app.refresh(tokens.refreshToken)).rejects.toMatchObject({ error: 'invalid_grant' });
    const types = (await bridge.events()).slice(-4).map(({ type }) => type);
    expect(types).toContain('person.closed');
    expect(types).toContain('token.revoked');
  });

  it('does not let a closed person sign in again, and tells the administrator why', async () => {
    const browser = createHeadlessBrowser({ fetch: bridge.fetch, stopAt: [REDIRECT_URI] });
    await expect(signInWith(app, browser, ALICE, ALICE.email)).rejects.toThrow('refused');
    await bridge.running.services.events.settled();
    const refusal = (await bridge.events()).findLast(({ type }) => type === 'sign_in.refused');
    expect(refusal).toMatchObject({ code: 'person_closed' });
    const trace = await ask('GET', `/admin/v1/traces/${String(refusal?.trace_id)}`);
    expect(trace.body).toMatchObject({ code: 'person_closed' });
  });

  it('lets the person sign in again after they were reopened', async () => {
    const left = (await bridge.events()).findLast(({ type }) => type === 'person.closed');
    const { sub } = (left ?? expect.fail('nobody was closed')).subject as { sub: string };
    const reopened = await ask('POST', `/admin/v1/persons/${sub}/reopen`, { reason: 'came back' });
    expect(reopened).toMatchObject({ status: 200, body: { sub, status: 'active' } });
    const browser = createHeadlessBrowser({ fetch: bridge.fetch, stopAt: [REDIRECT_URI] });
    const again = await signInWith(app, browser, ALICE, ALICE.email);
    expect((await app.me(again.accessToken)).status).toBe(200);
    const { body } = await ask('GET', `/admin/v1/persons/${sub}`);
    expect(body).toMatchObject({ status: 'active', addresses: [ALICE.email], statements: [], devices: [] });
  });
});
