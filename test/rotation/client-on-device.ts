import {
  type Client,
  type ClientOptions,
  createClient,
  createMemoryKeyStore,
  createMemoryPinStore,
  type KeyStore,
} from '../../client/index.ts';
import { signInWithBrowser } from '../http/person-app.ts';
import type { Company, TwoCompanies } from '../http/two-companies.ts';
import { APP_ID } from '../http/whole-bridge.ts';

/** The client of somebody of a company, with the store that a thief of the device would copy. */
export interface OnDevice {
  readonly client: Client;
  readonly keyStore: KeyStore;
  /** Whether the bridge can be reached from now on: `answers` lets a request through and loses its answer. */
  reach(bridge: 'always' | 'answers' | 'never', path?: string): void;
}

/** A client with an empty device. */
export function installOnDevice(
  { stage }: TwoCompanies,
  { bridge }: Company,
  options: Partial<ClientOptions> = {},
): OnDevice {
  let reached: { bridge: string; path: string } = { bridge: 'always', path: '' };
  const keyStore = options.keyStore ?? createMemoryKeyStore();
  const guarded: typeof fetch = async (input, init) => {
    const url = String(input instanceof Request ? input.url : input);
    if (reached.bridge === 'always' || !url.includes(reached.path)) return stage.fetch(input, init);
    if (reached.bridge === 'answers') await stage.fetch(input, init);
    throw new TypeError('the network is gone');
  };
  const client = createClient({
    ...{ issuer: bridge.issuer, clientId: APP_ID, engine: stage.engine, clock: bridge.clock },
    ...{ pinStore: createMemoryPinStore(), fetch: guarded, polling: { firstMs: 5, longestMs: 50 } },
    ...options,
    keyStore,
  });
  return {
    ...{ client, keyStore },
    reach(bridgeIs, path = '') {
      reached = { bridge: bridgeIs, path };
    },
  };
}

/** Signs somebody of the company in, by the password that everybody of these companies has. */
export async function signInOnDevice(
  { stage }: TwoCompanies,
  company: Company,
  { client, keyStore }: OnDevice,
  name: string,
): Promise<void> {
  const secrets = async () => {
    const stored = await keyStore.load();
    if (stored?.tokens == null) throw new Error('nobody is signed in on this device');
    return { accessToken: stored.tokens.accessToken, sig: stored.sig };
  };
  await signInWithBrowser(
    { client, secrets },
    {
      fetch: stage.fetch,
      address: company.address(name),
      typePassword: (browser, page) => browser.signIn(page, name, 'velvet-harbour-4'),
    },
  );
}
