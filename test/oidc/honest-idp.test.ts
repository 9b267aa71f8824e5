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

function connector(settings: Partial<OidcSettings> = {}): IdentityConnector {
  return createOidcConnector(
    {
      issuer: idp.issuer,
      clientId: 'bridge',
      redirectUri: REDIRECT_URI,
      authentication: { method: 'client_secret_basic', secret: 'a-secret+with/odd=characters' },
      ...settings,
    },
    { clock: systemClock, fetch: network.fetch },
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
});
