import { systemClock } from '../../bridge/lib/clock.ts';
import { createOidcConnector } from '../../connectors/identity/oidc/oidc-connector.ts';
import { type ConnectorFixture, describeIdentityConnector } from '../contract/identity-connector.ts';
import { createHeadlessBrowser } from '../fakes/headless-browser.ts';
import { createNamedFetch } from '../fakes/named-fetch.ts';
import { createNames } from '../fakes/names.ts';
import { startOidcIdp } from '../fakes/oidc-idp/oidc-idp.ts';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';

const HOST = 'login.acme-idp.localhost';
const REDIRECT_URI = 'https://bridge.acme.localhost/sign-in/oidc/acme/callback';
const ALICE = {
  ...{ username: 'alice', password: 'correct horse', sub: '248289761001', name: 'Alice Archer' },
  ...{ email: 'alice@acme.example', email_verified: true, groups: [] },
};

async function open(): Promise<ConnectorFixture> {
  const names = createNames();
  names.addHost(HOST, '127.0.0.1');
  const ca = await createThrowawayCa();
  const network = createNamedFetch(names, ca.certificatePem);
  const idp = await startOidcIdp({
    ...{ tls: await ca.issue([HOST]), issuerHost: HOST, people: [ALICE] },
    clients: [{ client_id: 'bridge', client_secret: 'a-secret', redirect_uris: [REDIRECT_URI] }],
  });
  const connector = createOidcConnector(
    {
      ...{ issuer: idp.issuer, clientId: 'bridge', redirectUri: REDIRECT_URI },
      authentication: { method: 'client_secret_basic', secret: 'a-secret' },
    },
    { clock: systemClock, fetch: network.fetch },
  );
  const newBrowser = () => createHeadlessBrowser({ fetch: network.fetch, stopAt: [REDIRECT_URI] });
  return {
    ...{ connector, issuer: idp.issuer, subject: ALICE.sub },
    ...{ otherProtocol: 'upstream_invalid', otherSignIn: 'oidc_state' },
    async signIn(url) {
      const browser = newBrowser();
      const back = await browser.signIn(await browser.open(url), ALICE.username, ALICE.password);
      return { protocol: 'oidc', url: back.url };
    },
    async beRefused(url) {
      const browser = newBrowser();
      const page = await browser.open(url);
      return { protocol: 'oidc', url: (await browser.open(`${page.url}?cancel`)).url };
    },
    handleIn: (callback) =>
      callback.protocol === 'oidc' ? new URL(callback.url).searchParams.get('state') : undefined,
    async close() {
      await idp.close();
      await network.close();
    },
  };
}

describeIdentityConnector('OpenID Connect', open);
