import type { HeadlessBrowser, Page } from '../fakes/headless-browser.ts';

interface GlewlwydVisit {
  /** Reaches Glewlwyd. */
  readonly fetch: typeof fetch;
  readonly browser: HeadlessBrowser;
  /** Its sign-in page. */
  readonly page: Page;
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
}

/**
 * Glewlwyd's sign-in page is a script that talks JSON to its server: this sends the same requests, in a session of
 * its own, and hands the way back to the browser. A refused password leaves the browser where it is.
 */
export async function signInToGlewlwyd(visit: GlewlwydVisit): Promise<Page> {
  const { fetch, browser, page, clientId, username, password } = visit;
  const { origin, searchParams } = new URL(page.url);
  const authorization = searchParams.get('callback_url');
  const scope = searchParams.get('scope');
  if (authorization === null || scope === null) throw new Error(`${page.url} is not Glewlwyd's sign-in page`);

  const signedIn = await fetch(`${origin}/api/auth`, json('POST', { username, password }));
  if (signedIn.status === 401) return page;
  const cookie = signedIn.headers
    .getSetCookie()
    .map((value) => value.split(';')[0])
    .join('; ');
  await fetch(`${origin}/api/auth/grant/${clientId}`, json('PUT', { scope }, cookie));
  const back = await fetch(`${authorization}&g_continue`, { headers: { cookie }, redirect: 'manual' });
  const location = back.headers.get('location');
  if (location === null)
    throw new Error(`Glewlwyd answered ${back.status} instead of sending the person back`);
  return browser.open(location);
}

function json(method: string, body: object, cookie = ''): RequestInit {
  return { method, headers: { 'content-type': 'application/json', cookie }, body: JSON.stringify(body) };
}
