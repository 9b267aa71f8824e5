import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Lies } from '../fakes/oidc-idp/lying-idp.ts';
import { newLyingKey } from '../fakes/oidc-idp/lying-idp.ts';
import { refusal, useLyingIdp } from './lying-idp-fixture.ts';

const fixture = useLyingIdp();
const DISCOVERY = '/.well-known/openid-configuration';
const only =
  (
    path: string,
    answer: { status: number; headers?: Record<string, string>; body?: string },
  ): NonNullable<Lies['raw']> =>
  (asked) =>
    asked === path ? answer : undefined;
const json = { 'content-type': 'application/json' };
const asked = (path: string) => fixture.idp.requests.filter((request) => request.path === path).length;

afterEach(() => {
  vi.useRealTimers();
});

describe('A discovery document is refused', () => {
  it('when it names another issuer', async () => {
    const { detail } = await fixture.refuses('oidc_issuer', {
      discovery: (document) => ({ ...document, issuer: 'https://evil.example' }),
    });
    expect(detail).toContain(
      `calls itself https://evil.example, and this connection expects ${fixture.idp.issuer}:`,
    );
  });

  it('when its issuer differs in a final slash', async () => {
    const { detail } = await fixture.refuses('oidc_issuer', {
      discovery: (document) => ({ ...document, issuer: `${fixture.idp.issuer}/` }),
    });
    expect(detail).toContain(`calls itself ${fixture.idp.issuer}/, and`);
  });

  it.each([['a\nforged: line'], ['javascript:alert(1)']])(
    'without its words, when its issuer is %j',
    async (issuer) => {
      const { detail } = await fixture.refuses('oidc_issuer', {
        discovery: (document) => ({ ...document, issuer }),
      });
      expect(detail).toContain('calls itself something that is no https URL, and');
    },
  );

  it('with what was asked and its status, when there is none', async () => {
    const { detail } = await fixture.refuses('oidc_discovery', { raw: only(DISCOVERY, { status: 404 }) });
    expect(detail).toBe(`${fixture.idp.issuer}${DISCOVERY} answered with status 404.`);
  });

  it.each(['authorization_endpoint', 'token_endpoint', 'jwks_uri'])('when it lacks %s', async (name) => {
    await fixture.refuses('oidc_discovery', {
      discovery: (document) => Object.fromEntries(Object.entries(document).filter(([key]) => key !== name)),
    });
  });

  it.each(['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'userinfo_endpoint'])(
    'when its %s is without TLS',
    async (name) => {
      await fixture.refuses('oidc_discovery', {
        discovery: (document) => ({ ...document, [name]: 'http://idp.liar.localhost/x' }),
      });
    },
  );

  it('when its authorization endpoint is a script', async () => {
    await fixture.refuses('oidc_discovery', {
      discovery: (document) => ({ ...document, authorization_endpoint: 'javascript:alert(1)//' }),
    });
  });

  it('when it offers PKCE without S256: a downgrade', async () => {
    await fixture.refuses('oidc_discovery', {
      discovery: (document) => ({ ...document, code_challenge_methods_supported: ['plain'] }),
    });
  });

  it('when it offers only algorithms that are not allowed', async () => {
    await fixture.refuses('oidc_algorithm', {
      discovery: (document) => ({ ...document, id_token_signing_alg_values_supported: ['HS256', 'none'] }),
    });
  });

  it('when it is not JSON, or not there', async () => {
    await fixture.refuses('oidc_discovery', {
      raw: only(DISCOVERY, { status: 200, headers: json, body: '<html>' }),
    });
    await fixture.refuses('oidc_discovery', { raw: only(DISCOVERY, { status: 404 }) });
  });

  it('when the IdP redirects to another host', async () => {
    await fixture.refuses('upstream_invalid', {
      raw: only(DISCOVERY, { status: 302, headers: { location: 'https://evil.example/' } }),
    });
  });

  it('when it is larger than anybody needs', async () => {
    const body = JSON.stringify({ padding: 'x'.repeat(2_000_000) });
    await fixture.refuses('upstream_invalid', { raw: only(DISCOVERY, { status: 200, headers: json, body }) });
  });

  it('as unreachable when the IdP fails', async () => {
    await fixture.refuses('upstream_unreachable', { raw: only(DISCOVERY, { status: 503 }) });
  });
});

describe('The published keys', () => {
  it('may hold members that are no keys, beside the right one', async () => {
    fixture.idp.lie({ keys: (keys) => [null, 'key', { kty: 'AKP' }, { kty: 'EC', crv: 'P-256' }, ...keys] });
    expect((await fixture.signIn()).subject).toBe('alice-1');
  });

  it('may come with an unusual content type', async () => {
    const body = JSON.stringify({ keys: [fixture.idp.key.publicJwk] });
    fixture.idp.lie({ raw: only('/jwks', { status: 200, headers: { 'content-type': 'text/plain' }, body }) });
    expect((await fixture.signIn()).subject).toBe('alice-1');
  });

  it('are refused when they cannot be read', async () => {
    await fixture.refuses('oidc_keys', {
      raw: only('/jwks', { status: 200, headers: json, body: '{"keys":{}}' }),
    });
    await fixture.refuses('oidc_keys', { raw: only('/jwks', { status: 404 }) });
    await fixture.refuses('upstream_unreachable', { raw: only('/jwks', { status: 500 }) });
    await fixture.refuses('upstream_invalid', {
      raw: only('/jwks', { status: 301, headers: { location: 'https://evil.example/jwks' } }),
    });
  });

  it('are read again after the IdP has changed its key', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    fixture.idp.lie({});
    const connector = fixture.connector();
    await fixture.signIn(connector);
    await fixture.idp.rotate('key-2');
    vi.setSystemTime(Date.now() + 61_000);
    expect((await fixture.signIn(connector)).subject).toBe('alice-1');
    expect(asked('/jwks')).toBe(2);
    await fixture.idp.rotate('key-1');
  });

  it('are not fetched again for each token with an unknown key id', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    fixture.idp.lie({});
    const connector = fixture.connector();
    await fixture.signIn(connector);
    fixture.idp.lie({ header: (header) => ({ ...header, kid: crypto.randomUUID() }) });
    const flood = () =>
      Promise.all(Array.from({ length: 20 }, () => refusal('oidc_keys', () => fixture.signIn(connector))));
    await flood();
    expect(asked('/jwks')).toBe(0);
    vi.setSystemTime(Date.now() + 61_000);
    await flood();
    expect(asked('/jwks')).toBe(1);
  });
});

describe('The connector', () => {
  it('reads discovery once for many sign-ins, and again after an hour', async () => {
    fixture.idp.lie({});
    let now = Date.now();
    const connector = fixture.connector({}, { now: () => now });
    await Promise.all(Array.from({ length: 5 }, () => connector.begin({ handle: 'handle-1' })));
    expect(asked(DISCOVERY)).toBe(1);
    now += 3_599_000;
    await connector.begin({ handle: 'handle-1' });
    expect(asked(DISCOVERY)).toBe(1);
    now += 2_000;
    await connector.begin({ handle: 'handle-1' });
    expect(asked(DISCOVERY)).toBe(2);
  });

  it('tries discovery again after a failure', async () => {
    fixture.idp.lie({ raw: only(DISCOVERY, { status: 503 }) });
    const connector = fixture.connector();
    await refusal('upstream_unreachable', () => connector.begin({ handle: 'handle-1' }));
    fixture.idp.lie({});
    await connector.begin({ handle: 'handle-1' });
  });

  it('shows an administrator the issuer and its keys', async () => {
    const { publicJwk } = await newLyingKey('key-9');
    const { kid: _kid, ...nameless } = publicJwk;
    fixture.idp.lie({ keys: (keys) => [...keys, { ...nameless }, { ...publicJwk, use: 'enc' }] });
    const { issuer, keys } = await fixture.connector().probe();
    expect(issuer).toBe(fixture.idp.issuer);
    expect(keys).toEqual([
      { id: 'key-1', expires: null },
      { id: expect.stringMatching(/^[\w-]{43}$/), expires: null },
    ]);
  });

  it('tells an administrator that there is no key to verify with', async () => {
    fixture.idp.lie({ keys: () => [] });
    await refusal('oidc_keys', () => fixture.connector().probe());
  });
});
