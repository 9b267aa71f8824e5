import { describe, expect, it } from 'vitest';
import { createCookieJar } from '../fakes/cookie-jar.ts';
import { createHeadlessBrowser } from '../fakes/headless-browser.ts';
import { formsOf } from '../fakes/html-forms.ts';

const BRIDGE = new URL('https://bridge.acme.localhost/sign-in/saml');
const SIBLING = new URL('https://idp.acme.localhost/login');
const STRANGER = new URL('https://login.globex.localhost/');

function jarWith(...headers: string[]) {
  const jar = createCookieJar();
  jar.store(BRIDGE, headers);
  return (url: URL, method = 'GET', initiator?: URL) => jar.header({ url, method, initiator });
}

describe('The browser’s cookies', () => {
  it('with Lax follow a link from another site but not a POST from it, nor one whose attribute is absent', () => {
    const cookie = jarWith('a=1; Path=/; Secure; HttpOnly; SameSite=Lax', 'b=2; Path=/; Secure');
    expect(cookie(BRIDGE, 'GET', STRANGER)).toBe('a=1; b=2');
    expect(cookie(BRIDGE, 'POST', STRANGER)).toBeUndefined();
    expect(cookie(BRIDGE, 'POST', SIBLING)).toBe('a=1; b=2');
    expect(cookie(BRIDGE, 'POST')).toBe('a=1; b=2');
  });

  it('with Strict follow nothing from another site', () => {
    const cookie = jarWith('a=1; Path=/; Secure; SameSite=Strict');
    expect(cookie(BRIDGE, 'GET', STRANGER)).toBeUndefined();
    expect(cookie(BRIDGE, 'GET', SIBLING)).toBe('a=1');
    expect(cookie(BRIDGE)).toBe('a=1');
  });

  it('with None follow a POST from another site, if they are Secure', () => {
    const cookie = jarWith('a=1; Path=/; Secure; SameSite=None', 'b=2; Path=/; SameSite=None');
    expect(cookie(BRIDGE, 'POST', STRANGER)).toBe('a=1');
  });

  it('stay with their host, their path and TLS', () => {
    const cookie = jarWith('a=1; Path=/sign-in; Secure', 'b=2; Domain=acme.localhost; Path=/');
    expect(cookie(BRIDGE)).toBe('a=1; b=2');
    expect(cookie(SIBLING)).toBe('b=2');
    expect(cookie(new URL('/sign-in-elsewhere', BRIDGE))).toBe('b=2');
    expect(cookie(new URL('http://bridge.acme.localhost/sign-in'))).toBe('b=2');
  });

  it('are refused for foreign domains, whole suffixes and broken prefixes', () => {
    const cookie = jarWith(
      'a=1; Domain=globex.localhost',
      'b=2; Domain=localhost',
      '__Host-c=3; Path=/; Secure; Domain=bridge.acme.localhost',
      '__Secure-d=4; Path=/',
      '__Host-e=5; Path=/; Secure',
    );
    expect(cookie(BRIDGE)).toBe('__Host-e=5');
  });

  it('end with their time', () => {
    expect(
      jarWith('a=1; Path=/; Max-Age=0', 'b=2; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT')(BRIDGE),
    ).toBe(undefined);
  });
});

describe('The browser', () => {
  const page = (body: string, headers: HeadersInit = {}) =>
    new Response(body, { headers: { 'content-type': 'text/html', ...headers } });

  it('sends a form that submits itself as a POST from its own site, without the other site’s Lax cookie', async () => {
    const seen: string[] = [];
    const answer = async (url: string, init: RequestInit) => {
      seen.push(`${init.method} ${url} ${new Headers(init.headers).get('cookie')} ${init.body ?? ''}`);
      if (url === `${BRIDGE.origin}/start`) {
        const headers = { location: STRANGER.href, 'set-cookie': 'login=1; Path=/; Secure; SameSite=Lax' };
        return new Response(null, { status: 303, headers });
      }
      if (url === STRANGER.href) {
        const value = 'a&lt;b&#43;';
        const form = `<form method="post" action="${BRIDGE}"><input type=hidden name=SAMLResponse value="${value}"></form>`;
        return page(`${form}<script>document.forms[0].submit()</script>`);
      }
      if (url === BRIDGE.href) return new Response(null, { status: 303, headers: { location: '/done' } });
      return page('signed in');
    };
    const browser = createHeadlessBrowser({ fetch: answer as typeof fetch });
    expect(await browser.open(`${BRIDGE.origin}/start`)).toMatchObject({
      url: `${BRIDGE.origin}/done`,
      status: 200,
    });
    expect(seen).toEqual([
      'GET https://bridge.acme.localhost/start null ',
      'GET https://login.globex.localhost/ null ',
      'POST https://bridge.acme.localhost/sign-in/saml null SAMLResponse=a%3Cb%2B',
      'GET https://bridge.acme.localhost/done login=1 ',
    ]);
  });

  it('stops before an address and shows what it was about to send', async () => {
    const form = `<form method="post" action="${BRIDGE}"><input name="code" value="7"></form>`;
    const answer = async () => page(form);
    const browser = createHeadlessBrowser({ fetch: answer, stopAt: [BRIDGE.href] });
    const start = await browser.open(STRANGER.href);
    const [only] = start.forms;
    if (only === undefined) return expect.fail('no form');
    expect(await browser.submit(start, only, { more: '8' })).toMatchObject({
      stopped: true,
      url: BRIDGE.href,
      posted: { code: '7', more: '8' },
    });
  });

  it('gives up on endless redirects', async () => {
    const answer = async () => new Response(null, { status: 302, headers: { location: '/again' } });
    await expect(createHeadlessBrowser({ fetch: answer }).open(STRANGER.href)).rejects.toThrow('redirects');
  });

  it('finds what a form would send', () => {
    const html = `<form action="?next=1&amp;x=2"><input name='a' value='1'><input type=checkbox name=b value=2>
      <input type=radio name=c value=3 checked><input type=submit name=d value=4><textarea name=e>&quot;5</textarea></form>`;
    expect(formsOf(html, 'https://a.example/p')).toEqual([
      {
        method: 'GET',
        action: 'https://a.example/p?next=1&x=2',
        fields: { a: '1', c: '3', e: '"5' },
        submitsItself: false,
      },
    ]);
  });
});
