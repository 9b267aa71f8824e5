import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../protocol/canonical-json.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import {
  assertSafeSignatureKey,
  encryptionKeySchema,
  keyPairSchema,
  type SignatureKey,
  signatureKeySchema,
  thumbprint,
} from '../../protocol/public-key.ts';
import { codeOf } from './codes.ts';
import { testEncryptionKey, testKey } from './company.ts';

describe('thumbprint', () => {
  it('is the one of RFC 8037 A.3', () => {
    const key = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' } as const;
    expect(thumbprint(key)).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
  });

  it('is made as the one of RFC 7638 §3.1: the hash of the required members, canonical', () => {
    const n =
      '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3' +
      'oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA' +
      'ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-' +
      'kEgU8awapJzKnqDKgw';
    expect(sha256Base64url(canonicalJson({ kty: 'RSA', n, e: 'AQAB' }))).toBe(
      'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
    );
  });

  it('names a recrypt key by the same construction', () => {
    const key = testEncryptionKey('alice');
    expect(thumbprint(key)).toBe('jmleGaeoBvTKszw44r60mWxPj6vUsJ6GbELxTy6o3gI');
    expect(thumbprint(key)).toBe(
      sha256Base64url(`{"crv":"recrypt-256","kty":"EC","x":"${key.x}","y":"${key.y}"}`),
    );
  });

  it('covers no member but the required ones', async () => {
    const { publicKey } = await testKey('a');
    const decorated = Object.assign({ use: 'sig' }, publicKey);
    expect(thumbprint(decorated)).toBe(thumbprint(publicKey));
  });
});

describe('public keys', () => {
  const key = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' };

  it.each([
    ['another curve', { ...key, crv: 'X25519' }],
    ['another type', { ...key, kty: 'EC' }],
    ['a private half', { ...key, d: key.x }],
    ['a key id', { ...key, kid: 'a' }],
    ['a short coordinate', { ...key, x: key.x.slice(1) }],
    ['a second spelling of the same coordinate', { ...key, x: `${key.x.slice(0, -1)}p` }],
    ['no coordinate', { kty: 'OKP', crv: 'Ed25519' }],
  ])('are refused with %s', (_, value) => {
    expect(signatureKeySchema.safeParse(value).success).toBe(false);
  });

  it('are refused where the other kind is due', async () => {
    const pre = testEncryptionKey('alice');
    const sig = (await testKey('alice')).publicKey;
    expect(keyPairSchema.safeParse([pre, sig]).success).toBe(true);
    expect(keyPairSchema.safeParse([sig, pre]).success).toBe(false);
    expect(keyPairSchema.safeParse([pre, sig, sig]).success).toBe(false);
    expect(encryptionKeySchema.safeParse({ ...pre, crv: 'P-256' }).success).toBe(false);
  });
});

describe('assertSafeSignatureKey', () => {
  /** The eight points of small order, and y = p, p + 1: encodings that another library might reduce. */
  const unsafe = [
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0000000000000000000000000000000000000000000000000000000000000080',
    '0100000000000000000000000000000000000000000000000000000000000000',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ];
  it.each(unsafe)('refuses the point %s', async (hex) => {
    const key: SignatureKey = {
      kty: 'OKP',
      crv: 'Ed25519',
      x: Buffer.from(hex, 'hex').toString('base64url'),
    };
    expect(await codeOf(() => assertSafeSignatureKey(key))).toBe('key_invalid');
  });

  it('refuses 32 bytes that are no point', async () => {
    const x = Buffer.from(`02${'00'.repeat(31)}`, 'hex').toString('base64url');
    expect(await codeOf(() => assertSafeSignatureKey({ kty: 'OKP', crv: 'Ed25519', x }))).toBe('key_invalid');
  });

  it('takes an honest key', async () => {
    const { publicKey } = await testKey('honest');
    expect(() => assertSafeSignatureKey(publicKey)).not.toThrow();
  });
});
