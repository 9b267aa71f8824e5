import { describe, expect, it } from 'vitest';
import { newLyingKey, signed } from '../fakes/oidc-idp/lying-idp.ts';
import { refusal, useLyingIdp } from './lying-idp-fixture.ts';

const fixture = useLyingIdp();
type Claims = Record<string, unknown>;
const changed = (change: Claims) => (claims: Claims) =>
  Object.fromEntries(Object.entries({ ...claims, ...change }).filter(([, value]) => value !== undefined));
const userInfoAsked = () => fixture.idp.requests.some(({ path }) => path === '/userinfo');
const trusted = { emailVerified: 'trusted-domain' } as const;

describe('An address', () => {
  it.each([true, 'true', 1])('counts when email_verified is %j', async (verified) => {
    fixture.idp.lie({ claims: changed({ email_verified: verified }) });
    expect((await fixture.signIn()).addresses).toEqual(['alice@acme.example']);
  });

  it.each([false, 'false', 0, 'yes', {}, []])('is refused when email_verified is %j', async (verified) => {
    const { detail } = await fixture.refuses('oidc_email_unverified', {
      claims: changed({ email_verified: verified }),
    });
    expect(detail).toBe('The claim “email_verified” does not say that the address is verified.');
    await fixture.refuses(
      'oidc_email_unverified',
      { claims: changed({ email_verified: verified }) },
      trusted,
    );
  });

  it('is refused when nobody says that it is verified', async () => {
    const silent = changed({ email_verified: undefined });
    const { detail } = await fixture.refuses('oidc_email_unverified', { claims: silent, userInfo: silent });
    expect(detail).toContain('The claim “email_verified” is missing');
  });

  it('counts when nobody says so, if the connection trusts the IdP for its domains', async () => {
    const silent = changed({ email_verified: undefined });
    fixture.idp.lie({ claims: silent, userInfo: silent });
    expect((await fixture.signIn(fixture.connector(trusted))).addresses).toEqual(['alice@acme.example']);
  });

  it('is not covered by what UserInfo says of another address', async () => {
    fixture.idp.lie({
      claims: changed({ email: 'ceo@acme.example', email_verified: undefined }),
      userInfo: changed({ email: 'alice@acme.example', email_verified: true }),
    });
    expect((await fixture.signIn()).addresses).toEqual(['alice@acme.example']);
  });

  it('may be absent: the identity is the subject', async () => {
    const silent = changed({ email: undefined, email_verified: undefined });
    fixture.idp.lie({ claims: silent, userInfo: silent });
    expect(await fixture.signIn()).toMatchObject({ subject: 'alice-1', addresses: [] });
  });

  it.each([7, '', ['a@b.example', 7], { a: 1 }, 'x'.repeat(400)])(
    'is refused when it is %j',
    async (email) => {
      await fixture.refuses('oidc_claims', { claims: changed({ email }) });
    },
  );

  it('can come from other claims, as Entra sends them', async () => {
    fixture.idp.lie({ claims: changed({ oid: 'oid-7', upn: 'alice@acme.example', xms_edov: 1 }) });
    const entra = fixture.connector({
      claims: { subject: 'oid', address: 'upn', addressVerified: 'xms_edov' },
    });
    expect(await fixture.signIn(entra)).toMatchObject({
      subject: 'oid-7',
      addresses: ['alice@acme.example'],
    });
  });
});

describe('The subject', () => {
  it('is refused when the configured claim is missing, and never taken from elsewhere', async () => {
    const settings = { claims: { subject: 'oid' } };
    await fixture.refuses('oidc_claims', { userInfo: changed({ oid: 'oid-7' }) }, settings);
    await fixture.refuses('oidc_claims', {}, { claims: { subject: '__proto__' } });
  });
});

describe('UserInfo', () => {
  it('is not asked when the ID token says all', async () => {
    fixture.idp.lie({});
    await fixture.signIn();
    expect(userInfoAsked()).toBe(false);
  });

  it('adds what the ID token leaves out', async () => {
    fixture.idp.lie({
      claims: changed({ email: undefined, email_verified: undefined, name: undefined }),
      userInfo: changed({ roles: ['staff'] }),
    });
    const identity = await fixture.signIn(fixture.connector({ claims: { groups: 'roles' } }));
    expect(identity).toMatchObject({
      addresses: ['alice@acme.example'],
      name: 'Alice Archer',
      groups: ['staff'],
    });
  });

  it('never outvotes the ID token', async () => {
    fixture.idp.lie({
      claims: changed({ roles: undefined }),
      userInfo: changed({ name: 'Mallory', email: 'ceo@acme.example', roles: 'staff' }),
    });
    const identity = await fixture.signIn(fixture.connector({ claims: { groups: 'roles' } }));
    expect(identity).toMatchObject({
      addresses: ['alice@acme.example'],
      name: 'Alice Archer',
      groups: ['staff'],
    });
  });

  it('is refused when it is about somebody else', async () => {
    await fixture.refuses('oidc_userinfo', {
      claims: changed({ name: undefined }),
      userInfo: changed({ sub: 'bob-2' }),
    });
  });

  it('is refused when it does not say about whom it is, or is an error', async () => {
    const claims = changed({ name: undefined });
    await fixture.refuses('oidc_userinfo', { claims, userInfo: changed({ sub: undefined }) });
    await fixture.refuses('oidc_userinfo', {
      claims,
      raw: (path) => (path === '/userinfo' ? { status: 403 } : undefined),
    });
  });
});

describe('A signed UserInfo answer', () => {
  const offered = (document: Claims) => ({
    ...document,
    userinfo_signing_alg_values_supported: ['RS256', 'HS256'],
  });
  const about = (answer: string) => ({
    discovery: offered,
    claims: changed({ name: undefined }),
    raw: (path: string) =>
      path === '/userinfo'
        ? { status: 200, headers: { 'content-type': 'application/jwt' }, body: answer }
        : undefined,
  });
  const header = { alg: 'RS256', kid: 'key-1' };

  it('counts when the IdP signed it', async () => {
    fixture.idp.lie(
      about(await signed(header, { sub: 'alice-1', name: 'Alice' }, fixture.idp.key.privateKey)),
    );
    expect((await fixture.signIn()).name).toBe('Alice');
  });

  it('is refused when somebody else signed it', async () => {
    const { privateKey } = await newLyingKey('key-1');
    await fixture.refuses(
      'oidc_userinfo',
      about(await signed(header, { sub: 'alice-1', name: 'X' }, privateKey)),
    );
  });

  it('is refused when it is an HMAC or not signed at all, even if the IdP offers that', async () => {
    const secret = new TextEncoder().encode('a-secret+with/odd=characters');
    const hmac = await signed({ ...header, alg: 'HS256' }, { sub: 'alice-1', name: 'X' }, secret);
    await fixture.refuses('oidc_userinfo', about(hmac));
    await fixture.refuses('oidc_userinfo', about('eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZS0xIn0.'));
  });
});

describe('The time of authentication', () => {
  const now = () => Math.floor(Date.now() / 1000);

  it('is unknown when the IdP sends zero, as Glewlwyd does, or none', async () => {
    fixture.idp.lie({ claims: changed({ auth_time: 0 }) });
    expect((await fixture.signIn()).signIn.authTime).toBeNull();
    fixture.idp.lie({ claims: changed({ auth_time: undefined }) });
    expect((await fixture.signIn()).signIn.authTime).toBeNull();
  });

  it('is asked for and must be after the request when the sign-in is to be fresh', async () => {
    fixture.idp.lie({});
    const { url } = await fixture.connector().begin({ handle: 'handle-1', fresh: true });
    expect(Object.fromEntries(new URL(url).searchParams)).toMatchObject({ prompt: 'login', max_age: '0' });
    expect((await fixture.signIn(fixture.connector(), { fresh: true })).signIn.authTime).not.toBeNull();
  });

  it.each([
    ['old', () => now() - 62],
    ['zero', () => 0],
    ['missing', () => undefined],
  ])('is refused when it is %s although the sign-in is to be fresh', async (_what, authTime) => {
    fixture.idp.lie({ claims: (claims) => changed({ auth_time: authTime() })(claims) });
    await refusal('oidc_auth_time', () => fixture.signIn(fixture.connector(), { fresh: true }));
  });

  it('is refused when it is no number', async () => {
    await fixture.refuses('oidc_claims', { claims: changed({ auth_time: 'yesterday' }) });
  });

  it('comes with acr and amr', async () => {
    fixture.idp.lie({ claims: changed({ acr: 'urn:mfa', amr: ['pwd', 'otp'] }) });
    expect((await fixture.signIn()).signIn).toMatchObject({ acr: 'urn:mfa', amr: ['pwd', 'otp'] });
  });
});
