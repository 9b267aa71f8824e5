import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { vi } from 'vitest';
import { insertDomain, setDomainCheck } from '../../bridge/directory/domains.ts';
import { createEventLog } from '../../bridge/events/database-event-log.ts';
import type { StoredEvent } from '../../bridge/events/event-log.ts';
import { createApp } from '../../bridge/http/app.ts';
import { createDeviceAuthentication } from '../../bridge/http/authenticate-device.ts';
import { createEventStreams } from '../../bridge/http/event-streams.ts';
import { brokenRequestPage } from '../../bridge/http/pages/sign-in-pages.ts';
import { createRateLimit } from '../../bridge/http/rate-limit.ts';
import { defineRoute, holderOf } from '../../bridge/http/route.ts';
import { oauthMiddleware } from '../../bridge/http/routes/oauth.ts';
import { signInPages } from '../../bridge/http/routes/sign-in.ts';
import { createConnections } from '../../bridge/identity/connections.ts';
import { createSignInTraces } from '../../bridge/identity/sign-in-traces.ts';
import { createSignIns } from '../../bridge/identity/sign-ins.ts';
import { createKeyLog } from '../../bridge/keylog/database-key-log.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { createOutbound } from '../../bridge/lib/outbound.ts';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import { createApps } from '../../bridge/oauth/apps.ts';
import { createAuthorizationServer } from '../../bridge/oauth/create-authorization-server.ts';
import { endGrantsOfConnection } from '../../bridge/oauth/record-store.ts';
import { initializeKeys } from '../../bridge/signer/key-ceremony.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import { createRootKey, openRootKey } from '../../bridge/signer/root-key.ts';
import type { Cache } from '../../bridge/storage/cache.ts';
import { createHeadlessBrowser, type HeadlessBrowser } from '../fakes/headless-browser.ts';
import { createNamedFetch } from '../fakes/named-fetch.ts';
import { createNames } from '../fakes/names.ts';
import { type OidcIdp, type OidcPerson, startOidcIdp } from '../fakes/oidc-idp/oidc-idp.ts';
import { type SamlIdp, type SamlPerson, startSamlIdp } from '../fakes/saml-idp/saml-idp.ts';
import { SOON } from '../fakes/soon.ts';
import { temporaryCache } from '../fakes/temporary-cache.ts';
import { temporaryStore } from '../fakes/temporary-store.ts';
import { testPolicy } from '../fakes/test-policy.ts';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';

export const REDIRECT_URI = 'https://app.acme.localhost/callback';
export const OIDC_HOST = 'login.acme-idp.localhost';
export const SAML_HOST = 'sso.globex-idp.localhost';
const BRIDGE_HOST = 'bridge.acme.localhost';

export const ALICE = {
  username: 'alice',
  password: 'correct horse',
  sub: '248289761001',
  email: 'alice@acme.example',
  email_verified: true,
  name: 'Alice Archer',
  groups: [],
} satisfies OidcPerson;

export const ROSA = {
  username: 'rosa',
  password: 'battery staple',
  nameId: 'p-4711',
  mail: 'rosa@globex.example',
  name: 'Rosa Marin',
  groups: [],
} satisfies SamlPerson;

/** The sign-in half of a bridge over real TLS, with an OIDC and a SAML IdP on other sites. */
export type SignInFixture = Awaited<ReturnType<typeof signInFixture>>;

export interface SignInFixtureOptions {
  readonly oidcPeople?: OidcPerson[];
  readonly samlPeople?: SamlPerson[];
  /** Stands before the cache of sign-ins. */
  readonly cache?: (real: Cache) => Cache;
}

export async function signInFixture(options: SignInFixtureOptions = {}) {
  const clock = systemClock;
  const logger = createLogger({ level: 'silent' });
  const names = createNames();
  for (const host of [BRIDGE_HOST, OIDC_HOST, SAML_HOST]) names.addHost(host, '127.0.0.1');
  const ca = await createThrowawayCa();
  const network = createNamedFetch(names, ca.certificatePem);

  let listener: RequestListener = (_request, response) => void response.writeHead(503).end();
  const server = createServer(await ca.issue([BRIDGE_HOST]), (request, response) =>
    listener(request, response),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `https://${BRIDGE_HOST}:${(server.address() as AddressInfo).port}`;

  const store = await temporaryStore(clock);
  const { database } = store;
  const root = await openRootKey(await createRootKey());
  const keyEncryptionKey = crypto.getRandomValues(new Uint8Array(32));
  await database.transaction((tx) => initializeKeys(tx, { iss: issuer, root, keyEncryptionKey, clock }));
  const signer = await openLocalSigner({ database, keyEncryptionKey, iss: issuer, clock });
  const shared = await temporaryCache(clock);
  const remembering = Math.ceil(Date.now() / 1000) * 1000;
  const cache = options.cache?.(shared.cache) ?? shared.cache;
  const events = createEventLog({ database, clock, logger, iss: issuer });
  const keyLog = createKeyLog({ database, logger, clock, signer });
  const outbound = createOutbound({
    resolver: names,
    allowedNetworks: ['127.0.0.0/8'],
    caCertificates: [ca.certificatePem],
  });
  const { decide } = testPolicy({ maxDevices: 5 });

  const connections = createConnections({
    ...{ issuer, signer, outbound, clock, database, events, keyLog },
    endGrants: endGrantsOfConnection,
  });
  const signIns = createSignIns({ database, cache, events, clock, decide, connections });
  const traces = createSignInTraces({ database, events, clock, logger });
  const apps = createApps({ database, events, clock });
  const organization = 'Acme';
  const authorizationServer = createAuthorizationServer({
    ...{ issuer, database, cache: shared.cache, clock, signer, events, logger },
    settings: { accessTokenSeconds: 900, refreshTokenSeconds: 86_400 },
    errorPage: (description, { requestId }) => brokenRequestPage({ organization, description, requestId }),
  });
  const rateLimit = createRateLimit(shared.cache);
  const noteRefusal = (address: string) => rateLimit.noteRefusal(address);
  const whoAmI = defineRoute({
    method: 'get',
    path: '/v1/me',
    summary: 'Who holds this token',
    tag: 'client',
    authentication: 'device',
    response: { status: 200, description: 'The holder' },
    errors: [],
    handle: async (request) => ({ body: holderOf(request) }),
  });
  const app = createApp({
    streams: createEventStreams({ logger }),
    ...{ issuer, trustedProxies: [], logger, events, rateLimit, routes: [whoAmI] },
    authenticateDevice: createDeviceAuthentication({
      cache: shared.cache,
      clock,
      findHolder: authorizationServer.findHolder,
    }),
    authenticateAdministrator: () => Promise.reject(new Error('there are no administrators here')),
    isAllowedOrigin: apps.isAllowedOrigin,
    pages: [
      oauthMiddleware(authorizationServer, rateLimit),
      ...signInPages({
        ...{ issuer, organization, connections, signIns, traces, authorizationServer, noteRefusal },
      }),
    ],
  });
  listener = app.callback();

  const people = { oidc: options.oidcPeople ?? [ALICE], saml: options.samlPeople ?? [ROSA] };
  const oidcIdp: OidcIdp = await startOidcIdp({
    tls: await ca.issue([OIDC_HOST]),
    issuerHost: OIDC_HOST,
    people: people.oidc,
    clients: ['acme-oidc', 'second-oidc'].map((id) => ({
      client_id: id,
      client_secret: `secret-of-${id}`,
      redirect_uris: [`${issuer}/sign-in/oidc/${id}/callback`],
    })),
  });
  const samlIdp: SamlIdp = await startSamlIdp({
    tls: await ca.issue([SAML_HOST]),
    idpHost: SAML_HOST,
    people: people.saml,
  });

  // Proofs of the very second in which the bridge began to remember used ones are refused, as they may be older.
  await vi.waitUntil(() => Date.now() >= remembering, SOON);

  async function addDomain(domain: string): Promise<void> {
    await database.transaction(async (tx) => {
      await insertDomain(tx, { domain, challenge: 'c', added: 1 });
      await setDomainCheck(tx, domain, { status: 'verified', verified: 1, checked: 1, failures: 0 });
    });
  }

  return {
    ...{ issuer, database, clock, signer, events, keyLog, outbound, decide, names, network },
    ...{ oidcIdp, samlIdp, connections, signIns, traces, apps, authorizationServer, people, addDomain },
    fetch: network.fetch,
    caCertificate: ca.certificatePem,

    /** An active OIDC connection; the IdP knows `acme-oidc` and `second-oidc`. */
    async connectOidc(
      domains: readonly string[],
      id = 'acme-oidc',
      assurance: 'member' | 'guest' = 'member',
    ) {
      await connections.create(
        {
          ...{ id, name: `OIDC ${id}`, protocol: 'oidc', assurance, domains: [...domains] },
          settings: {
            issuer: oidcIdp.issuer,
            clientId: id,
            authentication: { method: 'client_secret_basic', secret: `secret-of-${id}` },
          },
        },
        SYSTEM,
      );
      await connections.test(id, SYSTEM);
      await connections.activate(id, SYSTEM);
    },

    /** An active SAML connection that the IdP trusts. */
    async connectSaml(domains: readonly string[], id = 'globex-saml') {
      await connections.create(
        {
          ...{ id, name: `SAML ${id}`, protocol: 'saml', domains: [...domains] },
          settings: { idp: { metadata: { url: samlIdp.metadataUrl } } },
        },
        SYSTEM,
      );
      await connections.test(id, SYSTEM);
      await connections.activate(id, SYSTEM);
      const metadata = await network.fetch(`${issuer}/saml/${id}/metadata`);
      samlIdp.trust(await metadata.text());
    },

    browser: (stopAt: readonly string[] = [REDIRECT_URI]): HeadlessBrowser =>
      createHeadlessBrowser({ fetch: network.fetch, stopAt }),

    async eventsSoFar(): Promise<StoredEvent[]> {
      await events.settled();
      return events.page({ since: 0, limit: 1000 });
    },

    async remove() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await Promise.all([oidcIdp.close(), samlIdp.close(), outbound.close(), network.close()]);
      await events.stop();
      await Promise.all([store.remove(), shared.remove()]);
    },
  };
}
