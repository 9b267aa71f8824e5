import {
  type Client,
  createClient,
  createMemoryKeyStore,
  createMemoryPinStore,
  type PinStore,
  signInWithLoopback,
} from '../../client/index.ts';
import type { Stage } from '../../demo/stage/stage.ts';
import type { SigningKey } from '../../protocol/ed25519.ts';
import { createHeadlessBrowser, type HeadlessBrowser, type Page } from '../fakes/headless-browser.ts';
import { APP_ID, type WholeBridge } from './whole-bridge.ts';

/** The client on one device of somebody, with what an attacker who has the device could take from it. */
export interface PersonApp {
  readonly client: Client;
  /** The access token in force and the key that it is bound to. Throws when signed out. */
  secrets(): Promise<{ accessToken: string; sig: SigningKey }>;
}

/** With what the device believes. */
export interface InstalledApp extends PersonApp {
  readonly pins: PinStore;
}

/** `fetchOfApp` is the stage's unless something listens in. */
export function installPersonApp(
  stage: Stage,
  bridge: WholeBridge,
  fetchOfApp: typeof fetch = stage.fetch,
): InstalledApp {
  const keyStore = createMemoryKeyStore();
  const pins = createMemoryPinStore();
  const client = createClient({
    ...{ issuer: bridge.issuer, clientId: APP_ID, engine: stage.engine, clock: bridge.clock },
    ...{ keyStore, pinStore: pins, fetch: fetchOfApp },
    polling: { firstMs: 5, longestMs: 50 },
  });
  return {
    ...{ client, pins },
    async secrets() {
      const secrets = await keyStore.load();
      if (secrets?.tokens == null) throw new Error('nobody is signed in on this device');
      return { accessToken: secrets.tokens.accessToken, sig: secrets.sig };
    },
  };
}

/** What the person does at the identity provider, from its first page on. */
export type TypePassword = (browser: HeadlessBrowser, page: Page) => Promise<Page>;

/** Signs in as a person does, with a browser of its own; throws where the browser does not come back to the app. */
export async function signInWithBrowser(
  app: PersonApp,
  given: { fetch: typeof fetch; address: string; typePassword: TypePassword },
): Promise<void> {
  await signInWithLoopback(app.client, {
    loginHint: given.address,
    async open(url) {
      const browser = createHeadlessBrowser({ fetch: given.fetch });
      const page = await given.typePassword(browser, await browser.open(url));
      if (page.status === 200 && page.url.startsWith('http://127.0.0.1:')) return;
      throw new Error(`The sign-in ended at ${page.url} (${page.status})`);
    },
  });
}
