import { join } from 'node:path';
import {
  type Client,
  createClient,
  createFilePinStore,
  createMemoryKeyStore,
  type KeyStore,
  type PinStore,
  signInWithLoopback,
} from '../../client/index.ts';
import { createHeadlessBrowser, type HeadlessBrowser, type Page } from '../../test/fakes/headless-browser.ts';
import { must } from '../step.ts';
import type { Person } from './people.ts';
import type { Stage } from './stage.ts';

/** The client app of the story, as both companies register it. */
export const APP = {
  id: 'demo-app',
  name: 'Demo app',
  redirectUris: ['http://127.0.0.1/callback'],
};

/** A person's app on one device: own keys, own pins. */
export interface App {
  readonly client: Client;
  readonly keyStore: KeyStore;
  readonly pinStore: PinStore;
}

export function installApp(stage: Stage, issuer: string, place: string): App {
  const keyStore = createMemoryKeyStore();
  const pinStore = createFilePinStore(join(stage.folder, place, 'pins.json'));
  return { keyStore, pinStore, client: clientOf(stage, issuer, { keyStore, pinStore }, stage.fetch) };
}

/** The same app with another way to the network, or none. */
export function clientOf(
  stage: Stage,
  issuer: string,
  stores: Pick<App, 'keyStore' | 'pinStore'>,
  fetchOfApp: typeof fetch,
): Client {
  const polling = { firstMs: 20, longestMs: 100 };
  return createClient({
    ...{ issuer, clientId: APP.id, engine: stage.engine, fetch: fetchOfApp, polling },
    ...{ keyStore: stores.keyStore, pinStore: stores.pinStore },
  });
}

/** Signs a person in: the app opens the browser, the person types the password, the browser comes back to the app. */
export async function signIn(stage: Stage, app: App, person: Person): Promise<void> {
  const browser = createHeadlessBrowser({ fetch: stage.postedForms.fetch });
  await signInWithLoopback(app.client, {
    loginHint: person.address,
    open: (url) => walkThroughSignIn(browser, url, person),
    signal: stage.signal,
  });
}

const PAGES = 6;

/** Fills in whatever page comes: the bridge may ask for the address, the identity provider asks for the password. */
export async function walkThroughSignIn(
  browser: HeadlessBrowser,
  url: string,
  person: Person,
): Promise<Page> {
  let page = await browser.open(url);
  for (let count = 0; count < PAGES && page.forms.length > 0; count += 1) {
    page = await fillIn(browser, page, person);
  }
  const cameBack = page.status === 200 && page.url.startsWith('http://127.0.0.1:');
  must(cameBack, `the sign-in of ${person.address} ended at ${page.url} (${page.status})`);
  return page;
}

function fillIn(browser: HeadlessBrowser, page: Page, person: Person): Promise<Page> {
  const asksForPassword = page.forms.some((form) => Object.hasOwn(form.fields, 'password'));
  if (asksForPassword) return browser.signIn(page, person.key, person.password);
  const [form] = page.forms;
  must(form !== undefined, `nothing can be filled in at ${page.url}`);
  const address = Object.keys(form.fields).find((name) => /address|email|login_hint/.test(name));
  return browser.submit(page, form, address === undefined ? {} : { [address]: person.address });
}
