import { getDomain } from 'tldts';

/** What decides whether a cookie goes with a request (RFC 6265bis section 5.8.3). */
export interface CookieRequest {
  readonly url: URL;
  readonly method: string;
  /** The page that caused it: a link's or form's document. `undefined` for an address typed by hand. */
  readonly initiator: URL | undefined;
}

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly domain: string;
  readonly hostOnly: boolean;
  readonly path: string;
  readonly secure: boolean;
  readonly sameSite: 'strict' | 'lax' | 'none';
  readonly expires: number;
}

export interface CookieJar {
  /** The value of the Cookie header, or `undefined`. */
  header(request: CookieRequest): string | undefined;
  /** Takes the Set-Cookie headers of an answer from `url`. Cookies that a browser refuses are dropped. */
  store(url: URL, headers: readonly string[]): void;
}

/** A browser's cookies: host, path, Secure, `__Host-`/`__Secure-` and SameSite as browsers apply them. */
export function createCookieJar(): CookieJar {
  const cookies = new Map<string, Cookie>();
  return {
    header(request) {
      const sent = [...cookies.values()].filter((cookie) => goesWith(cookie, request));
      sent.sort((a, b) => b.path.length - a.path.length);
      return sent.length === 0 ? undefined : sent.map(({ name, value }) => `${name}=${value}`).join('; ');
    },
    store(url, headers) {
      for (const header of headers) {
        const cookie = parseCookie(url, header);
        if (cookie !== undefined) cookies.set([cookie.name, cookie.domain, cookie.path].join('\n'), cookie);
      }
    },
  };
}

/** Scheme and registrable domain: `https://a.example.com` and `https://b.example.com` are one site. */
export function siteOf(url: URL): string {
  const domain = getDomain(url.hostname, { allowPrivateDomains: true }) ?? url.hostname;
  return `${url.protocol}//${domain}`;
}

function goesWith(cookie: Cookie, { url, method, initiator }: CookieRequest): boolean {
  if (cookie.expires <= Date.now() || (cookie.secure && url.protocol !== 'https:')) return false;
  const host = cookie.hostOnly ? url.hostname === cookie.domain : domainMatches(url.hostname, cookie.domain);
  if (!host || !pathMatches(url.pathname, cookie.path)) return false;
  if (cookie.sameSite === 'none' || initiator === undefined || siteOf(initiator) === siteOf(url)) return true;
  return cookie.sameSite === 'lax' && method === 'GET';
}

function parseCookie(url: URL, header: string): Cookie | undefined {
  const [pair = '', ...rest] = header.split(';');
  const [name, value] = halves(pair);
  const attributes = new Map(
    rest.map((part) => halves(part)).map(([key, text]) => [key.toLowerCase(), text]),
  );
  const given = (attributes.get('domain') ?? '').replace(/^\./, '').toLowerCase();
  const path = attributes.get('path') ?? '';
  const cookie: Cookie = {
    name,
    value,
    domain: given === '' ? url.hostname : given,
    hostOnly: given === '',
    path: path.startsWith('/') ? path : url.pathname.replace(/\/[^/]*$/, '') || '/',
    secure: attributes.has('secure'),
    sameSite: sameSiteOf(attributes.get('samesite')),
    expires: expiryOf(attributes),
  };
  return acceptable(cookie, url, attributes) ? cookie : undefined;
}

function acceptable(cookie: Cookie, url: URL, attributes: ReadonlyMap<string, string>): boolean {
  if (cookie.name === '' || (cookie.secure && url.protocol !== 'https:')) return false;
  if (!cookie.secure && cookie.sameSite === 'none') return false;
  if (/^__(Secure|Host)-/i.test(cookie.name) && !cookie.secure) return false;
  if (/^__Host-/i.test(cookie.name) && !(cookie.hostOnly && attributes.get('path') === '/')) return false;
  if (cookie.hostOnly) return true;
  return (
    domainMatches(url.hostname, cookie.domain) &&
    getDomain(cookie.domain, { allowPrivateDomains: true }) !== null
  );
}

/** No attribute is Lax, as in current browsers (without Chrome's two minutes' grace for POST). */
function sameSiteOf(value: string | undefined): Cookie['sameSite'] {
  const folded = value?.toLowerCase();
  return folded === 'strict' || folded === 'none' ? folded : 'lax';
}

function expiryOf(attributes: ReadonlyMap<string, string>): number {
  const maxAge = attributes.get('max-age');
  if (maxAge !== undefined && /^-?\d+$/.test(maxAge)) return Date.now() + Number(maxAge) * 1000;
  const expires = Date.parse(attributes.get('expires') ?? '');
  return Number.isNaN(expires) ? Number.POSITIVE_INFINITY : expires;
}

function halves(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text.trim(), ''] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

function domainMatches(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`);
}

function pathMatches(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
}
