import { signInWithLoopback } from '../../client/index.ts';
import { createHeadlessBrowser, type HeadlessBrowser, type Page } from '../../test/fakes/headless-browser.ts';
import { must } from '../finding.ts';
import type { App } from './app.ts';
import type { Person } from './people.ts';
import type { Stage } from './stage.ts';

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
