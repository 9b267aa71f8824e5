import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSamlConnector } from '../../connectors/identity/saml/saml-connector.ts';
import { spMetadata } from '../../connectors/identity/saml/sp-metadata.ts';
import { createHeadlessBrowser, type Page } from '../fakes/headless-browser.ts';
import { createNamedFetch, type NamedFetch } from '../fakes/named-fetch.ts';
import { createNames } from '../fakes/names.ts';
import { makeKeyPair } from '../fakes/saml-idp/key-pair.ts';
import { type SamlIdp, startSamlIdp } from '../fakes/saml-idp/saml-idp.ts';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';
import { ACS, expectRefused, settings, spKeys } from './fixture.ts';

const HOST = 'idp.globex.example';
const PASSWORD = 'correct horse';

let idp: SamlIdp;
let network: NamedFetch;

beforeAll(async () => {
  const ca = await createThrowawayCa();
  const names = createNames();
  names.addHost(HOST, '127.0.0.1');
  network = createNamedFetch(names, ca.certificatePem);
  const rosa = { username: 'rosa', password: PASSWORD, nameId: 'p-4711', mail: 'rosa@globex.example' };
  idp = await startSamlIdp({
    tls: await ca.issue([HOST]),
    idpHost: HOST,
    encrypt: true,
    people: [{ ...rosa, name: 'Rosa Marin', groups: ['staff', 'board'] }],
  });
  idp.trust(spMetadata(settings));
});

afterAll(async () => {
  await network.close();
  await idp.close();
});

function connectorOfIdp() {
  return createSamlConnector(
    { ...settings, idp: { metadata: { url: idp.metadataUrl } } },
    { clock: { now: Date.now }, fetchText: async (url) => (await network.fetch(url)).text() },
  );
}

/** Opens `url` in a new browser and types the password; the browser stops before it comes back to us. */
async function signInAt(url: string, password = PASSWORD): Promise<Page> {
  const browser = createHeadlessBrowser({ fetch: network.fetch, stopAt: [ACS] });
  return browser.signIn(await browser.open(url), 'rosa', password);
}

describe('a sign-in through a SAML identity provider over TLS', () => {
  test('ends in the identity that the provider asserted, signed and encrypted', async () => {
    const connector = connectorOfIdp();
    const { url, pending } = await connector.begin({ handle: 'opaque-handle' });
    const form = (await signInAt(url)).posted ?? {};
    expect(form.RelayState).toBe('opaque-handle');
    const identity = await connector.complete({ protocol: 'saml', form }, pending);
    expect(identity).toMatchObject({
      issuer: idp.entityId,
      subject: 'p-4711',
      addresses: ['rosa@globex.example'],
      name: 'Rosa Marin',
      groups: ['staff', 'board'],
      signIn: { protocol: 'saml', acr: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport' },
    });
    expect(identity.assertionId).toMatch(/^_[0-9a-f]{32}$/);
    expect(identity.evidence).toContain('SignatureValue');
  });

  test('is refused for the request of another sign-in', async () => {
    const connector = connectorOfIdp();
    const first = await connector.begin({ handle: 'first' });
    const second = await connector.begin({ handle: 'second' });
    const form = (await signInAt(first.url)).posted ?? {};
    await expectRefused(
      connector.complete({ protocol: 'saml', form }, second.pending),
      'saml_in_response_to',
    );
  });

  test('asks for a fresh authentication and passes the typed address on where told to', async () => {
    const { url } = await connectorOfIdp().begin({
      handle: 'h',
      fresh: true,
      loginHint: 'rosa@globex.example',
    });
    const page = await (await network.fetch(url)).text();
    expect(page).toContain('value="rosa@globex.example"');
    expect(new URL(url).searchParams.get('SigAlg')).toBe('http://www.w3.org/2001/04/xmldsig-more#rsa-sha256');
  });

  test('is refused by the provider when the request is not signed by the service', async () => {
    const { url } = await connectorOfIdp().begin({ handle: 'h' });
    const response = await network.fetch(url.replace('RelayState=h', 'RelayState=other'));
    expect(response.status).toBe(403);
  });

  test('survives the rotation of the provider’s key without anybody’s help', async () => {
    const connector = connectorOfIdp();
    const before = await connector.probe();
    idp.rotate(await makeKeyPair({ commonName: 'rotated' }));
    const { url, pending } = await connector.begin({ handle: 'h' });
    const form = (await signInAt(url)).posted ?? {};
    const identity = await connector.complete({ protocol: 'saml', form }, pending);
    expect(identity.subject).toBe('p-4711');
    const after = await connector.probe();
    expect(after.keys[0]?.id).not.toBe(before.keys[0]?.id);
  });

  test('shows what went wrong at the provider and asks again', async () => {
    const { url } = await connectorOfIdp().begin({ handle: 'h' });
    const page = await signInAt(url, 'wrong');
    expect(page.status).toBe(401);
    expect(page.html).toContain('User name or password is wrong.');
    expect(page.forms[0]?.action).toContain('/sso?SAMLRequest=');
  });
});

test('the probe names the provider and its keys with their expiry', async () => {
  const probe = await connectorOfIdp().probe();
  expect(probe.issuer).toBe(idp.entityId);
  expect(probe.keys).toHaveLength(1);
  expect(probe.keys[0]?.expires).toBeGreaterThan(Date.now() / 1000);
});

test('the service’s metadata carries the current and the next certificate of both uses', async () => {
  const next = await makeKeyPair();
  const xml = spMetadata({
    ...settings,
    signing: { current: spKeys, next },
    decryption: { current: spKeys, next },
  });
  expect(xml.match(/use="signing"/g)).toHaveLength(2);
  expect(xml.match(/use="encryption"/g)).toHaveLength(2);
  expect(xml).toContain(`Location="${ACS}"`);
});
