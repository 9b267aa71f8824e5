const LOOPBACK = new Set(['127.0.0.1', '[::1]', 'localhost']);

export type RedirectUriKind = 'web' | 'native';

/**
 * What kind of client a redirect URI is of, or `undefined` if it cannot be registered: https anywhere; http on a
 * loopback address for native apps (RFC 8252 §7.3); a private-use scheme in reverse domain form (§7.1). The answer
 * goes there in a browser, so schemes that a browser acts on itself are none of these.
 */
export function redirectUriKind(text: string): RedirectUriKind | undefined {
  if (!/^[\x21-\x7e]+$/.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (text.includes('#') || url.username !== '' || url.password !== '') return undefined;
  if (url.protocol === 'https:') return LOOPBACK.has(url.hostname) ? undefined : 'web';
  if (url.protocol === 'http:') return LOOPBACK.has(url.hostname) ? 'native' : undefined;
  return /^[a-z][a-z0-9-]*(\.[a-z0-9-]+)+:$/.test(url.protocol) ? 'native' : undefined;
}

/** Whether this is what a browser sends as `Origin` of a page that may call us. */
export function isCorsOrigin(text: string): boolean {
  if (!URL.canParse(text) || new URL(text).origin !== text) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.has(hostname));
}
