import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../bridge/lib/clock.ts';
import type { IdentityConnector } from '../../connectors/identity/connector.ts';
import { createOidcConnector } from '../../connectors/identity/oidc/oidc-connector.ts';
import type { OidcSettings } from '../../connectors/identity/oidc/settings.ts';
import { createHeadlessBrowser, type HeadlessBrowser } from '../fakes/headless-browser.ts';
import { createNamedFetch, type NamedFetch } from '../fakes/named-fetch.ts';
import { createNames } from '../fakes/names.ts';
import { type OidcIdp, startOidcIdp } from '../fakes/oidc-idp/oidc-idp.ts';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';
import { refusal } from './lying-idp-fixture.ts';

const REDIRECT_URI = 'https://bridge.acme.localhost/sign-in/oidc/acme/callback';
const ALICE = {
  username: 'alice',
  password: 'correct horse',
  sub: '248289761001',
  email: 'alice@acme.example',
  email_verified: true,
  name: 'Alice Archer',
  groups: ['engineering', 'leads'],
};
const MALLORY = {
  ...ALICE,
  username: 'mallory',
  sub: '666',
  email: 'ceo@acme.example',
  email_verified: false,
};

let idp: OidcIdp;
let network: NamedFetch;
let browser: HeadlessBrowser;

beforeAll(async () => {
  const names = createNames();
  names.addHost('login.acme-idp.localhost', '127.0.0.1');
  const ca = await createThrowawayCa();
  network = createNamedFetch(names, ca.certificatePem);
  idp = await startOidcIdp({
    tls: await ca.issue(['login.acme-idp.localhost']),
    issuerHost: 'login.acme-idp.localhost',
    people: [ALICE, MALLORY],
    clients: [
      { client_id: 'bridge', client_secret: 'a-secret+with/odd=characters', redirect_uris: [REDIRECT_URI] },
      {
        client_id: 'bridge-post',
        client_secret: 'another-secret',
        redirect_uris: [REDIRECT_URI],
        token_endpoint_auth_method: 'client_secret_post',
        id_token_signed_response_alg: 'Ed25519',
      },
    ],
  });
});

afterAll(async () => {
  await idp.close();
  await network.close();
});

function connector(settings: Partial<OidcSettings> = {}, fetch = network.fetch): IdentityConnector {
  return createOidcConnector(
    {
      issuer: idp.issuer,
      clientId: 'bridge',
      redirectUri: REDIRECT_URI,
      authentication: { method: 'client_secret_basic', secret: 'a-secret+with/odd=characters' },
      ...settings,
    },
    { clock: systemClock, fetch },
  );
}

async function signIn(
  under: IdentityConnector,
  person: { username: string; password: string },
  fresh = false,
) {
  browser = createHeadlessBrowser({ fetch: network.fetch, stopAt: [REDIRECT_URI] });
  const { url, pending } = await under.begin({ handle: 'handle-1', fresh });
  const back = await browser.signIn(await browser.open(url), person.username, person.password);
  expect(back.stopped).toBe(true);
  return { callback: { protocol: 'oidc' as const, url: back.url }, pending };
}

describe('An honest OpenID provider', () => {
  it('signs a person in over real TLS, from the sign-in page to the verified identity', async () => {
    const acme = connector({ claims: { groups: 'groups' }, scope: 'openid email profile groups' });
    const { callback, pending } = await signIn(acme, ALICE);
    const identity = await acme.complete(callback, pending);
    expect(identity).toMatchObject({
      issuer: idp.issuer,
      subject: ALICE.sub,
      addresses: ['alice@acme.example'],
      name: 'Alice Archer',
      groups: ['engineering', 'leads'],
      assertionId: null,
      signIn: { protocol: 'oidc', amr: ['pwd'] },
    });
    expect(identity.assertionExpires).toBeGreaterThan(Date.now() / 1000);
    expect(identity.evidence.split('.')).toHaveLength(3);
  });

  it('signs a person in with client_secret_post and an EdDSA-signed ID token', async () => {
    const acme = connector({
      clientId: 'bridge-post',
      authentication: { method: 'client_secret_post', secret: 'another-secret' },
      idTokenAlgorithm: 'Ed25519',
    });
    const { callback, pending } = await signIn(acme, ALICE);
    expect((await acme.complete(callback, pending)).subject).toBe(ALICE.sub);
  });

  it('asks for the password again, and says when it was given, for a fresh sign-in', async () => {
    const acme = connector();
    const { callback, pending } = await signIn(acme, ALICE, true);
    const { authTime } = (await acme.complete(callback, pending)).signIn;
    expect(Math.abs((authTime ?? 0) - Date.now() / 1000)).toBeLessThan(60);

    const { url } = await acme.begin({ handle: 'handle-2' });
    expect((await browser.open(url)).stopped).toBe(true);
    const again = await acme.begin({ handle: 'handle-3', fresh: true, loginHint: 'alice' });
    const page = await browser.open(again.url);
    expect(page.stopped).toBe(false);
    expect(page.forms[0]?.fields.username).toBe('alice');
  });

  it('does not let a wrong password in', async () => {
    const { url } = await connector().begin({ handle: 'handle-1' });
    browser = createHeadlessBrowser({ fetch: network.fetch, stopAt: [REDIRECT_URI] });
    const page = await browser.signIn(await browser.open(url), 'alice', 'wrong');
    expect(page).toMatchObject({ status: 401, stopped: false });
    expect((await browser.signIn(page, 'alice', ALICE.password)).stopped).toBe(true);
  });

  it('tells us when the person cancels', async () => {
    const acme = connector();
    const { url, pending } = await acme.begin({ handle: 'handle-1' });
    browser = createHeadlessBrowser({ fetch: network.fetch, stopAt: [REDIRECT_URI] });
    const page = await browser.open(url);
    const back = await browser.open(`${page.url}?cancel`);
    await refusal('upstream_refused', () => acme.complete({ protocol: 'oidc', url: back.url }, pending));
  });

  it('spends a code once', async () => {
    const acme = connector();
    const { callback, pending } = await signIn(acme, ALICE);
    await acme.complete(callback, pending);
    await refusal('oidc_token_endpoint', () => acme.complete(callback, pending));
  });

  it('does not vouch for an address that it has not verified', async () => {
    const acme = connector();
    const { callback, pending } = await signIn(acme, MALLORY);
    await refusal('oidc_email_unverified', () => acme.complete(callback, pending));
  });

  it('refuses a wrong secret', async () => {
    const acme = connector({ authentication: { method: 'client_secret_basic', secret: 'wrong' } });
    const { callback, pending } = await signIn(acme, ALICE);
    await refusal('oidc_token_endpoint', () => acme.complete(callback, pending));
  });

  it('shows its keys to an administrator', async () => {
    const { keys } = await connector().probe();
    expect(keys.map(({ id }) => id)).toEqual(['RS256-1', 'ES256-1', 'Ed25519-1']);
  });
});

describe('A provider that is not who it says it is', () => {
  it('is unreachable when another authority vouches for its name', async () => {
    const names = createNames();
    names.addHost('login.acme-idp.localhost', '127.0.0.1');
    const wrongCa = createNamedFetch(names, (await createThrowawayCa()).certificatePem);
    const under = connector({}, wrongCa.fetch);
    const { cause } = await refusal('upstream_unreachable', () => under.probe());
    expect(String((cause as Error).cause)).toMatch(/unable to verify|self-signed|signature failure/i);
    await wrongCa.close();
  });

  it('is not found when its name does not exist', async () => {
    const nowhere = createNamedFetch(createNames(), (await createThrowawayCa()).certificatePem);
    await refusal('name_not_found', () => connector({}, nowhere.fetch).probe());
    await nowhere.close();
  });
});
