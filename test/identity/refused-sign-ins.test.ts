import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import type { Cache } from '../../bridge/storage/cache.ts';
import type { HeadlessBrowser, Page } from '../fakes/headless-browser.ts';
import { createClientApp } from './client-app.ts';
import { expectRefused } from './expect-refused.ts';
import { ALICE, REDIRECT_URI, ROSA, type SignInFixture, signInFixture } from './sign-in-fixture.ts';

let bridge: SignInFixture;
let forgetful = false;

/** A cache that lost its marks in a fail-over: what was used looks unused again. */
const forgetting = (real: Cache): Cache => ({
  get: (key) => real.get(key),
  set: (key, value, ttl) => real.set(key, value, ttl),
  delete: (key) => real.delete(key),
  take: (key) => real.take(key),
  consumeOnce: async (key, ttl) => (await real.consumeOnce(key, ttl)) || forgetful,
  increment: (key, ttl) => real.increment(key, ttl),
  onWake: (channel, listener) => real.onWake(channel, listener),
  wake: (channel) => real.wake(channel),
  close: () => real.close(),
});

beforeAll(async () => {
  bridge = await signInFixture({ cache: forgetting });
  for (const domain of ['acme.example', 'globex.example']) await bridge.addDomain(domain);
  await bridge.connectOidc(['acme.example']);
  await bridge.connectOidc(['acme.example'], 'second-oidc');
  await bridge.connectSaml(['globex.example']);
  await bridge.connectSaml([], 'second-saml');
  await bridge.apps.register({ id: 'meet', name: 'Acme Meet', redirectUris: [REDIRECT_URI] }, SYSTEM);
});

afterEach(() => {
  forgetful = false;
  bridge.samlIdp.lie({});
});

afterAll(() => bridge.remove());

async function begin(loginHint: string): Promise<string> {
  return (await (await createClientApp(bridge.issuer, bridge.fetch)).begin(loginHint)).url;
}

/** Goes to the IdP, signs in there, and stops before what `stopAt` names. */
async function upTo(stopAt: string, hint: string, person: { username: string; password: string }) {
  const browser = bridge.browser([REDIRECT_URI, stopAt]);
  const page = await browser.open(await begin(hint));
  return { browser, stopped: await browser.signIn(page, person.username, person.password) };
}

/** Sends a SAML response to an ACS as the IdP's page would. */
function post(
  browser: HeadlessBrowser,
  url: string,
  fields: Readonly<Record<string, string>>,
): Promise<Page> {
  const page: Page = {
    ...{
      url: `${bridge.samlIdp.origin}/sso`,
      status: 200,
      html: '',
      forms: [],
      stopped: false,
      posted: null,
    },
  };
  const form = { action: url, method: 'POST' as const, fields, submitsItself: true };
  return browser.submit(page, form);
}

describe('A SAML response', () => {
  const acs = () => `${bridge.issuer}/saml/globex-saml/acs`;
  const response = async () => (await upTo(acs(), ROSA.mail, ROSA)).stopped.posted ?? {};

  it('is refused when it comes a second time', async () => {
    const fields = await response();
    await post(bridge.browser(), acs(), fields);
    await expectRefused(bridge, await post(bridge.browser(), acs(), fields), 'replayed');
  });

  it('counts once when it comes twice at the same time', async () => {
    const fields = await response();
    const send = () =>
      bridge.fetch(acs(), { method: 'POST', redirect: 'manual', body: new URLSearchParams(fields) });
    const statuses = (await Promise.all([send(), send(), send()])).map(({ status }) => status);
    expect(statuses.sort()).toEqual([303, 409, 409]);
  });

  it('counts once even if the cache forgot that it was used: the assertion is used up in the store', async () => {
    forgetful = true;
    const { browser, stopped } = await upTo(acs(), ROSA.mail, ROSA);
    const resume = async () => {
      const answer = await bridge.fetch(acs(), {
        method: 'POST',
        redirect: 'manual',
        body: new URLSearchParams(stopped.posted ?? {}),
      });
      return new URL(answer.headers.get('location') ?? '', bridge.issuer).href;
    };
    const targets = [await resume(), await resume()];
    // The same browser, with the interaction's cookie, takes both: only one is good.
    const pages = await Promise.all(targets.map((url) => browser.open(url)));
    const refused = pages.filter((page) => !page.stopped);
    expect(pages.filter((page) => page.stopped)).toHaveLength(1);
    expect(refused).toHaveLength(1);
    await expectRefused(bridge, refused[0] ?? raise(), 'replayed');
  });

  it('that was begun in another browser signs nobody in: the cookie of the sign-in is missing', async () => {
    const victim = bridge.browser();
    await expectRefused(bridge, await post(victim, acs(), await response()), 'sign_in_foreign');
  });

  it('does not sign in a browser that began a sign-in of its own', async () => {
    const fields = await response();
    const victim = bridge.browser();
    await victim.open(await begin(ROSA.mail));
    await expectRefused(bridge, await post(victim, acs(), fields), 'sign_in_foreign');
  });

  it('cannot be carried over to a sign-in that another browser began', async () => {
    const answer = await bridge.fetch(acs(), {
      ...{ method: 'POST', redirect: 'manual', body: new URLSearchParams(await response()) },
    });
    const { searchParams } = new URL(answer.headers.get('location') ?? '', bridge.issuer);
    const victim = bridge.browser();
    const own = await victim.open(await begin(ALICE.email));
    expect(own.url).toMatch(/\/sign-in\/[\w-]+$/);
    const carried = await victim.open(`${own.url}/resume?handle=${searchParams.get('handle')}`);
    await expectRefused(bridge, carried, 'sign_in_foreign');
  });

  it('is refused under the relay state of another sign-in', async () => {
    const [mine, other] = [await response(), await response()];
    const mixed = { ...mine, RelayState: other.RelayState ?? '' };
    await expectRefused(bridge, await post(bridge.browser(), acs(), mixed), 'saml_in_response_to');
  });

  it('is refused at the ACS of another connection', async () => {
    const page = await post(bridge.browser(), `${bridge.issuer}/saml/second-saml/acs`, await response());
    await expectRefused(bridge, page, 'saml_in_response_to');
  });

  it('is refused without a relay state, and with one that is an address to go to', async () => {
    const { SAMLResponse = '' } = await response();
    await expectRefused(bridge, await post(bridge.browser(), acs(), { SAMLResponse }), 'sign_in_unknown');
    const elsewhere = { SAMLResponse, RelayState: 'https://evil.example/' };
    const page = await post(bridge.browser(), acs(), elsewhere);
    expect(page.url.startsWith(bridge.issuer)).toBe(true);
    await expectRefused(bridge, page, 'sign_in_unknown');
  });

  it('is refused for an audience of somebody else, with the code in the trace only', async () => {
    bridge.samlIdp.lie({ audience: 'https://other.example' });
    await expectRefused(bridge, await post(bridge.browser(), acs(), await response()), 'saml_audience');
  });

  it('is refused as too large, as another media type, and with a field twice', async () => {
    const send = async (body: string, type = 'application/x-www-form-urlencoded') =>
      (await bridge.fetch(acs(), { method: 'POST', body, headers: { 'content-type': type } })).status;
    expect(await send(`SAMLResponse=${'A'.repeat(600 * 1024)}`)).toBe(413);
    expect(await send('{}', 'application/json')).toBe(415);
    expect(await send('RelayState=a&RelayState=b')).toBe(400);
  });
});

describe('An OIDC answer', () => {
  const callback = (id = 'acme-oidc') => `${bridge.issuer}/sign-in/oidc/${id}/callback`;
  const viaFirst = async () => {
    const browser = bridge.browser([REDIRECT_URI, callback()]);
    const choice = await browser.open(await begin(ALICE.email));
    const form = choice.forms[0] ?? raise();
    const idp = await browser.submit(choice, form, { connection: 'acme-oidc' });
    return { browser, stopped: await browser.signIn(idp, ALICE.username, ALICE.password) };
  };

  it('is refused when it comes a second time', async () => {
    const { stopped } = await viaFirst();
    await bridge.browser().open(stopped.url);
    await expectRefused(bridge, await bridge.browser().open(stopped.url), 'replayed');
  });

  it('is refused in another browser than the one that began', async () => {
    const { stopped } = await viaFirst();
    await expectRefused(bridge, await bridge.browser().open(stopped.url), 'sign_in_foreign');
  });

  it('is refused at another connection’s address', async () => {
    const { stopped } = await viaFirst();
    const moved = stopped.url.replace('/acme-oidc/', '/second-oidc/');
    await expectRefused(bridge, await bridge.browser().open(moved), 'oidc_state');
  });

  it('is refused with a state that was never given, or with two', async () => {
    const open = (query: string) => bridge.browser().open(`${callback()}?${query}`);
    await expectRefused(bridge, await open('code=x&state=made-up'), 'sign_in_unknown');
    await expectRefused(bridge, await open('code=x&state=a&state=b'), 'sign_in_unknown');
    await expectRefused(bridge, await open('code=x'), 'sign_in_unknown');
  });

  it('is refused at a connection that there is not', async () => {
    const page = await bridge.browser().open(`${callback('nobody')}?code=x&state=y`);
    await expectRefused(bridge, page, 'connection_unknown');
  });
});

describe('A sign-in page', () => {
  it('is refused for an interaction that is not this browser’s', async () => {
    const browser = bridge.browser([bridge.oidcIdp.issuer, bridge.samlIdp.origin]);
    const page = await browser.open(await begin('nobody@nowhere.example'));
    await expectRefused(bridge, await bridge.browser().open(page.url), 'sign_in_unknown');
  });

  it('does not take the connection of another company’s domain for an address', async () => {
    const browser = bridge.browser();
    const page = await browser.open(await begin(ALICE.email));
    const form = page.forms[0] ?? raise();
    const chosen = await browser.submit(page, form, { connection: 'globex-saml' });
    await expectRefused(bridge, chosen, 'connection_inactive');
  });
});

function raise(): never {
  throw new Error('the page is not as expected');
}
