import { generateKeyPairSync, sign } from 'node:crypto';
import { exportSPKI, importJWK } from 'jose';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../protocol/errors.ts';
import { type Lies, newLyingKey, signed } from '../fakes/oidc-idp/lying-idp.ts';
import { CLIENT_ID, refusal, useLyingIdp } from './lying-idp-fixture.ts';

const fixture = useLyingIdp();
const now = () => Math.floor(Date.now() / 1000);
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const without = (name: string) => (claims: Record<string, unknown>) => {
  const { [name]: _left, ...rest } = claims;
  return rest;
};

describe('An ID token is refused', () => {
  it('when its algorithm is none', async () => {
    await fixture.refuses('oidc_algorithm', {
      sign: (header, claims) => `${part({ ...header, alg: 'none' })}.${part(claims)}.`,
    });
  });

  it('when it is an HMAC keyed with the public key (RS256 taken for HS256)', async () => {
    await fixture.refuses('oidc_algorithm', {
      sign: async (header, claims) => {
        const key = await importJWK(fixture.idp.key.publicJwk, 'RS256');
        const pem = key instanceof Uint8Array ? key : new TextEncoder().encode(await exportSPKI(key));
        return signed({ ...header, alg: 'HS256' }, claims, pem);
      },
    });
  });

  it('when it is an HMAC keyed with the client secret, even if the IdP offers that', async () => {
    await fixture.refuses('oidc_algorithm', {
      discovery: (document) => ({ ...document, id_token_signing_alg_values_supported: ['HS256', 'RS256'] }),
      sign: (header, claims) =>
        signed({ ...header, alg: 'HS256' }, claims, new TextEncoder().encode('a-secret+with/odd=characters')),
    });
  });

  it('when its algorithm is none of those that the IdP offers', async () => {
    await fixture.refuses('oidc_algorithm', {
      sign: (header, claims) => `${part({ ...header, alg: 'PS256' })}.${part(claims)}.AAAA`,
    });
  });

  it('when its algorithm is not the one that the connection fixes', async () => {
    await fixture.refuses('oidc_algorithm', {}, { idTokenAlgorithm: 'ES256' });
  });

  it('when it has critical headers that nobody here understands', async () => {
    await fixture.refuses('oidc_algorithm', {
      sign: (header, claims) => `${part({ ...header, crit: ['b64'], b64: false })}.${part(claims)}.AAAA`,
    });
  });

  it('when it is encrypted', async () => {
    await fixture.refuses('oidc_algorithm', { sign: () => 'e30.e30.e30.e30.e30' });
  });

  it('when it is no JWT', async () => {
    await fixture.refuses('upstream_invalid', { sign: () => 'hello' });
  });

  it('when its signature was made over other claims', async () => {
    await fixture.refuses('oidc_signature', {
      sign: async (header, claims) => {
        const [head, , signature] = (await signed(header, claims, fixture.idp.key.privateKey)).split('.');
        return `${head}.${part({ ...claims, sub: 'somebody-else' })}.${signature}`;
      },
    });
  });

  it('when another key made its signature under the published key id', async () => {
    const other = await newLyingKey('key-1');
    await fixture.refuses('oidc_signature', {
      sign: (header, claims) => signed(header, claims, other.privateKey),
    });
  });

  it('when it brings its own key in the header (jwk)', async () => {
    const other = await newLyingKey('key-1');
    await fixture.refuses('oidc_signature', {
      sign: (header, claims) => signed({ ...header, jwk: other.publicJwk }, claims, other.privateKey),
    });
  });

  it('when it points to its own keys (jku), which are never fetched', async () => {
    const other = await newLyingKey('key-1');
    await fixture.refuses('oidc_signature', {
      sign: (header, claims) =>
        signed({ ...header, jku: `${fixture.idp.issuer}/evil-keys` }, claims, other.privateKey),
    });
    expect(fixture.idp.requests.map(({ path }) => path)).not.toContain('/evil-keys');
  });

  it('when it names no key and several could be meant', async () => {
    const other = await newLyingKey('key-2');
    await fixture.refuses('oidc_keys', {
      keys: (keys) => [...keys, other.publicJwk],
      header: without('kid'),
    });
  });

  it.each(['unknown', '../../../../dev/null', "x' UNION SELECT 'secret", '__proto__', 'constructor'])(
    'when its key id is %j, which nobody publishes',
    async (kid) => {
      await fixture.refuses('oidc_keys', { header: (header) => ({ ...header, kid }) });
    },
  );

  it('when the key with its id is shorter than 2048 bits', async () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
    await fixture.refuses('oidc_keys', {
      keys: () => [{ ...weak.publicKey.export({ format: 'jwk' }), kid: 'key-1' }],
      sign: (header, claims) => {
        const input = `${part(header)}.${part(claims)}`;
        return `${input}.${sign('sha256', Buffer.from(input), weak.privateKey).toString('base64url')}`;
      },
    });
  });

  it('when the key with its id is broken', async () => {
    await fixture.refuses('oidc_keys', {
      keys: () => [{ kty: 'RSA', kid: 'key-1', alg: 'RS256', e: 'AQAB' }],
    });
  });

  const claimLies: [string, ErrorCode, NonNullable<Lies['claims']>][] = [
    ['is from another issuer', 'oidc_issuer', (claims) => ({ ...claims, iss: 'https://evil.example' })],
    ['is for another client', 'oidc_audience', (claims) => ({ ...claims, aud: 'another-client' })],
    [
      'has further audiences and no azp',
      'oidc_audience',
      (claims) => ({ ...claims, aud: [CLIENT_ID, 'other'] }),
    ],
    ['was issued to another party (azp)', 'oidc_audience', (claims) => ({ ...claims, azp: 'other' })],
    ['has another nonce', 'oidc_nonce', (claims) => ({ ...claims, nonce: 'of-another-sign-in' })],
    ['has no nonce', 'oidc_nonce', without('nonce')],
    ['has no subject', 'oidc_claims', without('sub')],
    ['has no audience', 'oidc_claims', without('aud')],
    ['has no issuer', 'oidc_claims', without('iss')],
    ['has no time of issue', 'oidc_claims', without('iat')],
    ['has no expiry', 'oidc_claims', without('exp')],
    ['has a subject that is no text', 'oidc_claims', (claims) => ({ ...claims, sub: 7 })],
    ['has an empty subject', 'oidc_claims', (claims) => ({ ...claims, sub: '' })],
    ['has a subject of 256 characters', 'oidc_claims', (claims) => ({ ...claims, sub: 'x'.repeat(256) })],
    ['has expired', 'oidc_expired', (claims) => ({ ...claims, exp: now() - 62 })],
    ['is not yet valid', 'oidc_expired', (claims) => ({ ...claims, nbf: now() + 70 })],
    ['was issued in the future', 'oidc_expired', (claims) => ({ ...claims, iat: now() + 70 })],
  ];
  it.each(claimLies)('when it %s', async (_what, code, claims) => {
    await fixture.refuses(code, { claims });
  });

  it('when the bridge’s clock says that it has expired, whatever the machine’s says', async () => {
    fixture.idp.lie({});
    const later = fixture.connector({}, { now: () => Date.now() + 600_000 });
    await refusal('oidc_expired', () => fixture.signIn(later));
  });
});

describe('An ID token is accepted', () => {
  it('within the tolerance for clocks', async () => {
    fixture.idp.lie({ claims: (claims) => ({ ...claims, exp: now() - 30, iat: now() + 30 }) });
    expect((await fixture.signIn()).subject).toBe('alice-1');
  });

  it('without a key id when only one key can be meant', async () => {
    fixture.idp.lie({ header: without('kid') });
    expect((await fixture.signIn()).subject).toBe('alice-1');
  });

  it('with further audiences when we are the authorized party', async () => {
    fixture.idp.lie({ claims: (claims) => ({ ...claims, aud: [CLIENT_ID, 'other'], azp: CLIENT_ID }) });
    expect((await fixture.signIn()).subject).toBe('alice-1');
  });
});
