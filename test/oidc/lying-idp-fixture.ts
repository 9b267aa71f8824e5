import { afterAll, beforeAll, expect } from 'vitest';
import { systemClock } from '../../bridge/lib/clock.ts';
import type {
  IdentityConnector,
  LoginRequest,
  UpstreamIdentity,
} from '../../connectors/identity/connector.ts';
import { createOidcConnector } from '../../connectors/identity/oidc/oidc-connector.ts';
import type { OidcSettings } from '../../connectors/identity/oidc/settings.ts';
import { CountersignError, type ErrorCode } from '../../protocol/errors.ts';
import { createNamedFetch, type NamedFetch } from '../fakes/named-fetch.ts';
import { createNames } from '../fakes/names.ts';
import { type Lies, type LyingIdp, startLyingIdp } from '../fakes/oidc-idp/lying-idp.ts';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';

export const REDIRECT_URI = 'https://bridge.acme.localhost/sign-in/oidc/acme/callback';
export const CLIENT_ID = 'bridge';
const HOST = 'idp.liar.localhost';

export interface Fixture {
  readonly idp: LyingIdp;
  readonly network: NamedFetch;
  /** A connector of its own, with nothing cached. */
  connector(settings?: Partial<OidcSettings>, clock?: { now(): number }): IdentityConnector;
  /** A whole sign-in at the IdP as it now lies. */
  signIn(under?: IdentityConnector, request?: Partial<LoginRequest>): Promise<UpstreamIdentity>;
  /** That a whole sign-in under these lies is refused with exactly this code. */
  refuses(code: ErrorCode, lies: Lies, settings?: Partial<OidcSettings>): Promise<CountersignError>;
}

/** One lying IdP for a test file, over real TLS. */
export function useLyingIdp(): Fixture {
  let idp: LyingIdp;
  let network: NamedFetch;

  beforeAll(async () => {
    const names = createNames();
    names.addHost(HOST, '127.0.0.1');
    const ca = await createThrowawayCa();
    network = createNamedFetch(names, ca.certificatePem);
    idp = await startLyingIdp(await ca.issue([HOST]), HOST);
  });

  afterAll(async () => {
    await idp.close();
    await network.close();
  });

  const connector: Fixture['connector'] = (settings = {}, clock = systemClock) =>
    createOidcConnector(
      {
        issuer: idp.issuer,
        clientId: CLIENT_ID,
        redirectUri: REDIRECT_URI,
        authentication: { method: 'client_secret_post', secret: 'a-secret+with/odd=characters' },
        ...settings,
      },
      { clock, fetch: network.fetch },
    );

  const signIn: Fixture['signIn'] = async (under = connector(), request = {}) => {
    const { url, pending } = await under.begin({ handle: 'handle-1', ...request });
    return under.complete({ protocol: 'oidc', url: await followToCallback(network, url) }, pending);
  };

  return {
    get idp() {
      return idp;
    },
    get network() {
      return network;
    },
    connector,
    signIn,
    async refuses(code, lies, settings) {
      idp.lie(lies);
      return refusal(code, () => signIn(connector(settings)));
    },
  };
}

/** The callback URL that the IdP sends the browser to. */
export async function followToCallback(network: NamedFetch, url: string): Promise<string> {
  const response = await network.fetch(url, { redirect: 'manual' });
  await response.body?.cancel();
  return response.headers.get('location') ?? expect.fail(`no redirect: ${response.status}`);
}

/** Runs `act`, which must throw a CountersignError with exactly this code. */
export async function refusal(code: ErrorCode, act: () => unknown): Promise<CountersignError> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    expect(error.code).toBe(code);
    return error;
  }
  return expect.fail(`accepted; expected ${code}`);
}
