import { X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { EventLog } from '../../bridge/events/event-log.ts';
import { createConnections } from '../../bridge/identity/connections.ts';
import type { RequestContext } from '../../bridge/lib/request-context.ts';
import { loggedTrustChanges } from './logged-trust-changes.ts';
import { type SignInFixture, signInFixture } from './sign-in-fixture.ts';

const ADA: RequestContext = {
  requestId: 'r-1',
  actor: { kind: 'administrator', id: 'a-1', name: 'Ada Archer', address: '192.0.2.7' },
};
const SECRET = 'secret-of-acme-oidc';

let bridge: SignInFixture;

beforeAll(async () => {
  bridge = await signInFixture();
  await bridge.addDomain('acme.example');
  await bridge.addDomain('acme-labs.example');
});

afterEach(() =>
  bridge.database.transaction(async (tx) => {
    for (const table of ['connection_domains', 'connections', 'logged_versions'] as const) {
      await tx.deleteFrom(table).execute();
    }
  }),
);

afterAll(() => bridge.remove());

const logged = (name = 'connection/') => loggedTrustChanges(bridge.database, name);

const settings = (changes: object = {}) => ({
  issuer: bridge.oidcIdp.issuer,
  clientId: 'acme-oidc',
  authentication: { method: 'client_secret_basic', secret: SECRET },
  ...changes,
});

const create = (connections = bridge.connections) =>
  connections.create(
    {
      ...{ id: 'acme-oidc', name: 'Acme Okta', protocol: 'oidc', domains: ['acme.example'] },
      settings: settings(),
    },
    ADA,
  );

describe('What the key log commits to of a connection', () => {
  it('is one version for each step of its life, counted on when another takes its id', async () => {
    const { connections } = bridge;
    await create();
    await connections.test('acme-oidc', ADA);
    await connections.activate('acme-oidc', ADA);
    await connections.change('acme-oidc', { settings: settings({ scope: 'openid email' }) }, ADA);
    await connections.disable('acme-oidc', 'over', ADA);
    await connections.remove('acme-oidc', ADA);
    await create();
    const found = await logged();
    expect(found.map(({ name, version, change }) => [name, version, change])).toEqual([
      ['connection/acme-oidc', 0, 'connection.created'],
      ['connection/acme-oidc', 1, 'connection.tested'],
      ['connection/acme-oidc', 2, 'connection.activated'],
      ['connection/acme-oidc', 3, 'connection.changed'],
      ['connection/acme-oidc', 4, 'connection.disabled'],
      ['connection/acme-oidc', 5, 'connection.removed'],
      ['connection/acme-oidc', 6, 'connection.created'],
    ]);
    expect(found.map(({ state }) => state?.status)).toEqual([
      ...['draft', 'tested', 'active', 'draft', 'disabled', undefined, 'draft'],
    ]);
    expect(found[5]?.state).toBeNull();
  });

  it('names whom it believes, for which domains, and who decided that when', async () => {
    const before = Math.floor(bridge.clock.now() / 1000);
    await create();
    const [created] = await logged();
    expect(created).toEqual({
      ...{ iss: bridge.issuer, name: 'connection/acme-oidc', version: 0, change: 'connection.created' },
      by: { kind: 'administrator', id: 'a-1' },
      at: expect.any(Number),
      state: {
        ...{ protocol: 'oidc', assurance: 'member', status: 'draft', domains: ['acme.example'] },
        fingerprint: expect.stringMatching(/^[\w-]{43}$/),
        idp: {
          ...{ issuer: bridge.oidcIdp.issuer, client_id: 'acme-oidc', email_verified: 'required' },
          authentication: 'client_secret_basic',
          claims: { subject: 'sub', address: 'email', addressVerified: 'email_verified', name: 'name' },
        },
      },
    });
    expect(created?.at).toBeGreaterThanOrEqual(before);
  });

  it('shows by its fingerprint that another secret, or other settings, came in', async () => {
    await create();
    const { connections } = bridge;
    await connections.change('acme-oidc', { name: 'Acme SSO' }, ADA);
    const authentication = { method: 'client_secret_basic', secret: 'another secret' };
    await connections.change('acme-oidc', { settings: settings({ authentication }) }, ADA);
    await connections.change('acme-oidc', { settings: settings({ authentication, scope: 'openid' }) }, ADA);
    const fingerprints = (await logged()).map(({ state }) => state?.fingerprint);
    expect(fingerprints[1]).toBe(fingerprints[0]);
    expect(new Set(fingerprints).size).toBe(3);
  });

  it('has the certificates that a SAML provider published when it was tested, and those set by hand', async () => {
    const { connections, samlIdp } = bridge;
    await connections.create(
      {
        ...{ id: 'globex-saml', name: 'Globex', protocol: 'saml' },
        settings: { idp: { metadata: { url: samlIdp.metadataUrl } } },
      },
      ADA,
    );
    const { probe } = await connections.test('globex-saml', ADA);
    const xml = await (await bridge.fetch(samlIdp.metadataUrl)).text();
    const base64 = /<(?:\w+:)?X509Certificate>([^<]+)</.exec(xml)?.[1] ?? '';
    const certificate = new X509Certificate(Buffer.from(base64, 'base64'));
    const byHand = {
      metadata: { xml },
      overrides: { certificates: [certificate.toString(), 'not a certificate'] },
    };
    await connections.change('globex-saml', { settings: { idp: byHand } }, ADA);
    const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
    const [created, tested, changed] = await logged();
    expect(created?.state).toMatchObject({
      idp: { metadata_url: samlIdp.metadataUrl, certificates: null, entity_id: null },
    });
    expect(created?.state).not.toHaveProperty('published');
    expect(tested?.state?.published).toEqual({ entity_id: probe.issuer, certificates: [fingerprint] });
    expect(changed?.state?.idp).toMatchObject({
      metadata_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      certificates: [fingerprint, expect.stringMatching(/^[0-9a-f]{64}$/)],
    });
    expect(changed?.state?.idp).not.toHaveProperty('metadata_url');
  });

  it('never holds a secret, nor the administrator’s name or network address', async () => {
    const { connections } = bridge;
    await create();
    const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
      'sign',
    ]);
    const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', privateKey)).toString('base64');
    const pem = `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----`;
    const authentication = { method: 'private_key_jwt', privateKey: pem, algorithm: 'ES256' };
    await connections.change('acme-oidc', { settings: settings({ authentication }) }, ADA);
    const found = await logged();
    expect(found).toHaveLength(2);
    const text = JSON.stringify(found);
    for (const secret of [SECRET, der.slice(0, 40), 'PRIVATE', 'Ada', '192.0.2.7']) {
      expect(text).not.toContain(secret);
    }
    expect(text).toContain('private_key_jwt');
  });

  it('does not grow by what was refused', async () => {
    await create();
    await expect(create()).rejects.toMatchObject({ code: 'conflict' });
    await expect(bridge.connections.activate('acme-oidc', ADA)).rejects.toMatchObject({
      code: 'connection_untested',
    });
    const domains = ['unknown.example'];
    await expect(bridge.connections.change('acme-oidc', { domains }, ADA)).rejects.toMatchObject({
      code: 'config_invalid',
    });
    await expect(bridge.connections.disable('nobody', undefined, ADA)).rejects.toMatchObject({
      code: 'connection_unknown',
    });
    expect(await logged()).toHaveLength(1);
  });

  it('is undone with the change whose transaction fails', async () => {
    const events: Pick<EventLog, 'append'> = {
      append: () => Promise.reject(new Error('no room for the event')),
    };
    const failing = createConnections({
      ...bridge,
      events: events as EventLog,
      endGrants: async () => 0,
    });
    await expect(create(failing)).rejects.toThrow('no room');
    expect(await logged()).toEqual([]);
    await create();
    await expect(failing.remove('acme-oidc', ADA)).rejects.toThrow('no room');
    expect(await logged()).toHaveLength(1);
  });

  it('has a version of each of several changes at once', async () => {
    await create();
    await Promise.all(
      ['over', 'over', 'over', 'over'].map((reason) => bridge.connections.disable('acme-oidc', reason, ADA)),
    );
    expect((await logged()).map(({ version }) => version)).toEqual([0, 1, 2, 3, 4]);
  });
});
