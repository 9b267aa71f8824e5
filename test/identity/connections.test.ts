import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { NewConnection } from '../../bridge/identity/connection.ts';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import { createClientApp, signInWith } from './client-app.ts';
import { ALICE, REDIRECT_URI, type SignInFixture, signInFixture } from './sign-in-fixture.ts';

let bridge: SignInFixture;

beforeAll(async () => {
  bridge = await signInFixture();
  await bridge.addDomain('acme.example');
  await bridge.apps.register({ id: 'meet', name: 'Acme Meet', redirectUris: [REDIRECT_URI] }, SYSTEM);
});

afterEach(() =>
  bridge.database.transaction(async (tx) => {
    for (const table of ['connection_domains', 'connections'] as const) await tx.deleteFrom(table).execute();
  }),
);

afterAll(() => bridge.remove());

const settings = (secret?: string) => ({
  issuer: bridge.oidcIdp.issuer,
  clientId: 'acme-oidc',
  authentication: { method: 'client_secret_basic', ...(secret === undefined ? {} : { secret }) },
});

const draft = (changes: Partial<NewConnection> = {}): NewConnection => ({
  ...{ id: 'acme-oidc', name: 'Acme Okta', protocol: 'oidc', domains: ['acme.example'] },
  settings: settings('secret-of-acme-oidc'),
  ...changes,
});

const create = (changes: Partial<NewConnection> = {}) => bridge.connections.create(draft(changes), SYSTEM);

describe('A connection', () => {
  it('goes from draft by a test to active, each step an event', async () => {
    const created = await create();
    expect(created).toMatchObject({
      status: 'draft',
      tested: null,
      hasSecret: true,
      domains: ['acme.example'],
      ours: { redirectUri: `${bridge.issuer}/sign-in/oidc/acme-oidc/callback` },
    });
    await expect(bridge.connections.activate('acme-oidc', SYSTEM)).rejects.toMatchObject({
      code: 'connection_untested',
    });
    const { connection, probe } = await bridge.connections.test('acme-oidc', SYSTEM);
    expect(connection.status).toBe('tested');
    expect(probe.issuer).toBe(bridge.oidcIdp.issuer);
    expect((await bridge.connections.activate('acme-oidc', SYSTEM)).status).toBe('active');
    expect((await bridge.connections.disable('acme-oidc', 'over', SYSTEM)).status).toBe('disabled');
    const types = (await bridge.eventsSoFar()).map(({ type }) => type);
    expect(types.filter((type) => type.startsWith('connection.'))).toEqual([
      'connection.created',
      'connection.tested',
      'connection.activated',
      'connection.disabled',
    ]);
  });

  it('never answers its secret, and keeps it sealed', async () => {
    const created = await create();
    const answers = JSON.stringify([created, await bridge.connections.list()]);
    expect(answers).not.toContain('secret-of-acme-oidc');
    const rows = await bridge.database.read((query) => query.selectFrom('connections').selectAll().execute());
    const stored = rows.map((row) => row.settings + Buffer.from(row.secret ?? []).toString('latin1')).join();
    expect(stored).not.toContain('secret-of-acme-oidc');
  });

  it('is a draft again when its settings change, and stays active when they are the tested ones', async () => {
    await create();
    await bridge.connections.test('acme-oidc', SYSTEM);
    await bridge.connections.activate('acme-oidc', SYSTEM);
    const same = await bridge.connections.change('acme-oidc', { settings: settings() }, SYSTEM);
    expect(same.status).toBe('active');
    const renamed = await bridge.connections.change('acme-oidc', { name: 'Acme SSO' }, SYSTEM);
    expect(renamed).toMatchObject({ status: 'active', name: 'Acme SSO' });
    const changed = await bridge.connections.change('acme-oidc', { settings: settings('other') }, SYSTEM);
    expect(changed).toMatchObject({ status: 'draft', tested: null });
    await expect(bridge.connections.activate('acme-oidc', SYSTEM)).rejects.toMatchObject({
      code: 'connection_untested',
    });
  });

  it('keeps a secret that a change leaves out, and drops it with a method that has none', async () => {
    await create();
    expect((await bridge.connections.change('acme-oidc', { settings: settings() }, SYSTEM)).hasSecret).toBe(
      true,
    );
    const open = { ...settings(), authentication: { method: 'none' } };
    expect((await bridge.connections.change('acme-oidc', { settings: open }, SYSTEM)).hasSecret).toBe(false);
  });

  it('signs nobody in as a draft', async () => {
    await create();
    expect(await bridge.signIns.choices(ALICE.email)).toEqual([]);
    const start = { interaction: 'i', connectionId: 'acme-oidc' };
    await expect(bridge.signIns.begin(start)).rejects.toMatchObject({ code: 'connection_inactive' });
  });

  it('cannot be removed while it is active or people are known through it', async () => {
    await bridge.connectOidc(['acme.example']);
    await expect(bridge.connections.remove('acme-oidc', SYSTEM)).rejects.toMatchObject({ code: 'conflict' });
    const app = await createClientApp(bridge.issuer, bridge.fetch);
    await signInWith(app, bridge.browser(), ALICE, ALICE.email);
    await bridge.connections.disable('acme-oidc', undefined, SYSTEM);
    await expect(bridge.connections.remove('acme-oidc', SYSTEM)).rejects.toMatchObject({ code: 'conflict' });
    await create({ id: 'unused' });
    await bridge.connections.remove('unused', SYSTEM);
    await expect(bridge.connections.get('unused')).rejects.toMatchObject({ code: 'connection_unknown' });
  });

  it.each([
    ['a name that does not exist', 'https://nowhere.example', 'name_not_found'],
    ['an address inside the network', 'https://192.168.1.1', 'outbound_refused'],
    ['the address of a cloud’s metadata', 'https://169.254.169.254', 'outbound_refused'],
    ['this machine by IPv4 in IPv6', 'https://[::ffff:10.0.0.1]', 'outbound_refused'],
  ])('passes no test at %s', async (_what, issuer, code) => {
    await create({ settings: { ...settings('x'), issuer } });
    await expect(bridge.connections.test('acme-oidc', SYSTEM)).rejects.toMatchObject({ code });
    expect((await bridge.connections.get('acme-oidc')).status).toBe('draft');
  });

  it.each<[string, Partial<NewConnection>, RegExp]>([
    ['an http issuer', { settings: { issuer: 'http://idp.example', clientId: 'x' } }, /issuer/],
    ['an unknown setting', { settings: { surprise: true } }, /surprise/],
    ['a redirect URI of its own', { settings: { redirectUri: 'https://evil.example' } }, /redirectUri/],
    ['an id that is no path', { id: '../x' }, /id/],
    ['a domain that nobody named', { domains: ['nobody.example'] }, /nobody\.example/],
    ['SAML settings without metadata', { protocol: 'saml', settings: { idp: {} } }, /idp\.metadata/],
    ['a private key for SAML', { protocol: 'saml', settings: { signing: {} } }, /signing/],
  ])('is not created with %s', async (_what, changes, fault) => {
    await expect(create(changes)).rejects.toMatchObject({
      code: 'config_invalid',
      detail: expect.stringMatching(fault),
    });
    expect(await bridge.connections.list()).toEqual([]);
  });

  it('is not created twice under one id', async () => {
    await create();
    await expect(create()).rejects.toMatchObject({ code: 'conflict' });
  });

  it('publishes SAML metadata with our entity id, ACS and certificate; OIDC has none', async () => {
    await bridge.connections.create(
      {
        ...{ id: 'globex', name: 'Globex', protocol: 'saml' },
        settings: { idp: { metadata: { xml: bridge.samlIdp.metadataXml() } } },
      },
      SYSTEM,
    );
    const { connection } = await bridge.connections.test('globex', SYSTEM);
    expect(connection.ours).toEqual({
      entityId: `${bridge.issuer}/saml/globex`,
      acsUrl: `${bridge.issuer}/saml/globex/acs`,
      metadataUrl: `${bridge.issuer}/saml/globex/metadata`,
    });
    const answer = await bridge.fetch(`${bridge.issuer}/saml/globex/metadata`);
    expect(answer.headers.get('content-type')).toContain('application/samlmetadata+xml');
    const xml = await answer.text();
    expect(xml).toContain(`entityID="${bridge.issuer}/saml/globex"`);
    expect(xml.match(/X509Certificate>/g)?.length).toBeGreaterThanOrEqual(4);
    expect(xml).not.toContain('PRIVATE');
    await create();
    expect((await bridge.fetch(`${bridge.issuer}/saml/acme-oidc/metadata`)).status).toBe(404);
    expect((await bridge.fetch(`${bridge.issuer}/saml/nobody/metadata`)).status).toBe(404);
  });
});

describe('A trace', () => {
  it('keeps why a sign-in failed, without tokens and with addresses cut to their domain', async () => {
    const token = `eyJ${'a'.repeat(60)}.${'b'.repeat(60)}`;
    const error = new Error(`could not read ${token} of alice@acme.example`);
    const traceId = await bridge.traces.record({ error, connectionId: 'made-up' }, SYSTEM);
    const trace = await bridge.traces.get(traceId.toLowerCase().replaceAll('-', ' '));
    expect(trace).toMatchObject({ traceId, code: 'internal', connectionId: null });
    expect(trace.detail).toBe('could not read [redacted] of …@acme.example');
    await expect(bridge.traces.get('0000-0000-0000')).rejects.toMatchObject({ code: 'not_found' });
  });
});
