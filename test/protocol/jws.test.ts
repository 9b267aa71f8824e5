import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import { utf8 } from '../../protocol/bytes.ts';
import type { SigningKey } from '../../protocol/ed25519.ts';
import { CountersignError } from '../../protocol/errors.ts';
import {
  assertTimes,
  decodeClaims,
  type ObjectType,
  readHeader,
  signJws,
  verifyJws,
} from '../../protocol/jws.ts';
import { codeOf } from './codes.ts';
import { makeCompany, signRaw, testKey } from './company.ts';

const TYPE = 'partner-record+jwt';
const schema = z.strictObject({ a: z.int() });
let key: SigningKey;
let token: string;

beforeAll(async () => {
  key = await testKey('jws');
  token = await signJws(key, TYPE, { a: 1 });
});

const verify = (text: string, type: ObjectType = TYPE) => verifyJws(text, type, schema, () => key.publicKey);
const header = (changes: object = {}) => ({ alg: 'Ed25519', typ: TYPE, kid: key.kid, ...changes });
const rawToken = (changes: object, payload = '{"a":1}') => signRaw(key, header(changes), payload);

describe('verifyJws', () => {
  it('answers the claims of a token that it signed', async () => {
    expect(await verify(token)).toEqual({ a: 1 });
    expect(readHeader(token)).toEqual(header());
  });

  it.each(['EdDSA', 'none', 'ES256', 'HS256', 'RS256', 'ed25519', ''])(
    'refuses the algorithm "%s"',
    async (alg) => {
      expect(await codeOf(async () => verify(await rawToken({ alg })))).toBe('jws_algorithm');
    },
  );

  it('refuses an unsigned token', async () => {
    const unsigned = `${encodeBase64url(utf8(JSON.stringify(header({ alg: 'none' }))))}.e30.`;
    expect(await codeOf(() => verify(unsigned))).toBe('jws_malformed');
  });

  it('refuses every other type, under the same key', async () => {
    const types: readonly ObjectType[] = [
      'key-binding+jwt',
      'identity-attributes+jwt',
      'device-endorsement+jwt',
      'device-binding+jwt',
      'presence+jwt',
      'presence-renewal+jwt',
      'online-keys+jwt',
      'entity-statement+jwt',
      'key-lookup-request+jwt',
      'key-lookup-response+jwt',
    ];
    for (const type of types) expect(await codeOf(() => verify(token, type)), type).toBe('jws_type');
    expect(await codeOf(async () => verify(await rawToken({ typ: 'JWT' })))).toBe('jws_type');
    expect(await codeOf(async () => verify(await rawToken({ typ: `application/${TYPE}` })))).toBe('jws_type');
  });

  it.each([
    ['critical extensions', { crit: ['exp'], exp: 1 }],
    ['an unencoded payload', { b64: false }],
    ['a key to fetch', { jku: 'https://evil.example/jwks' }],
    ['a certificate', { x5c: ['AA'] }],
    ['an unknown member', { extra: 1 }],
    ['no key id', { kid: undefined }],
    ['a private key', { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43), d: 'A'.repeat(43) } }],
    ['more than a kilobyte', { kid: 'a'.repeat(1000) }],
  ])('refuses a header with %s', async (_, changes) => {
    expect(await codeOf(async () => verify(await rawToken(changes)))).toBe('jws_malformed');
  });

  it('refuses a key in the header, except in online keys', async () => {
    const embedding = await signJws(key, TYPE, { a: 1 }, { embedKey: true });
    expect(await codeOf(() => verify(embedding))).toBe('jws_malformed');
    const onlineKeys = await signJws(key, 'online-keys+jwt', { a: 1 }, { embedKey: true });
    expect(await verify(onlineKeys, 'online-keys+jwt')).toEqual({ a: 1 });
  });

  it('refuses a header whose members go by prototype names', async () => {
    const text = JSON.stringify(header()).replace('{', '{"__proto__":{"alg":"none"},');
    const input = `${encodeBase64url(utf8(text))}.${token.split('.')[1]}.${token.split('.')[2]}`;
    expect(await codeOf(() => verify(input))).toBe('jws_malformed');
  });

  it.each([
    ['nothing', ''],
    ['two parts', 'e30.e30'],
    ['four parts', 'e30.e30.e30.e30'],
    ['a header that is not base64url', `a*.e30.${'A'.repeat(86)}`],
    ['a header that is not JSON', `AAAA.e30.${'A'.repeat(86)}`],
    ['a header that is a list', `W10.e30.${'A'.repeat(86)}`],
    ['a line feed at the end', `e30.e30.${'A'.repeat(86)}\n`],
    ['a signature of 65 bytes', `e30.e30.${'A'.repeat(87)}`],
    ['an empty signature', 'e30.e30.'],
  ])('refuses %s', async (_, text) => {
    expect(await codeOf(() => verify(text))).toBe('jws_malformed');
  });

  it('refuses another key’s signature', async () => {
    const foreign = await signJws(await testKey('other'), TYPE, { a: 1 });
    expect(await codeOf(() => verify(foreign))).toBe('jws_signature');
  });

  it('refuses a token after any change of a single bit', async () => {
    const parts = token.split('.').map((part) => decodeBase64url(part));
    const bits = parts.flatMap((part, index) =>
      Array.from({ length: part.length * 8 }, (_, bit) => [index, bit] as const),
    );
    const codes = new Set<string>();
    for (const [index, bit] of bits) {
      const changed = parts.map((part) => part.slice());
      const target = changed[index];
      if (target === undefined) throw new Error('unreachable');
      target[bit >> 3] = (target[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      codes.add(await codeOf(() => verify(changed.map(encodeBase64url).join('.'))));
    }
    expect([...codes].sort()).toEqual(['jws_algorithm', 'jws_malformed', 'jws_signature', 'jws_type']);
  });

  it('has one form: any other character at any place is refused', async () => {
    const characters = fc.constantFrom(
      ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n',
    );
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: token.length - 1 }), characters, async (position, character) => {
        const changed = token.slice(0, position) + character + token.slice(position + 1);
        if (changed === token) return;
        await expect(verify(changed)).rejects.toBeInstanceOf(CountersignError);
      }),
      { numRuns: 300 },
    );
    for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
      const changed = token.slice(0, -1) + last;
      if (changed !== token) await expect(verify(changed)).rejects.toBeInstanceOf(CountersignError);
    }
  });

  it.each([
    ['an unknown member', '{"a":1,"b":2}'],
    ['a member named __proto__', '{"a":1,"__proto__":{"b":2}}'],
    ['a member of the wrong type', '{"a":"1"}'],
    ['a missing member', '{}'],
    ['a list', '[1]'],
    ['null', 'null'],
    ['text that is not JSON', '{a:1}'],
    ['two JSON values', '{"a":1}{"a":1}'],
    ['a byte order mark', '\ufeff{"a":1}'],
  ])('refuses a truly signed payload with %s', async (_, payload) => {
    expect(await codeOf(async () => verify(await rawToken({}, payload)))).toBe('claims_invalid');
  });

  it('keeps its error short, whatever names the sender chose', async () => {
    const flooded = await rawToken({}, `{"${'x'.repeat(100_000)}":1}`);
    await expect(verify(flooded)).rejects.toSatisfy(
      (error) => error instanceof CountersignError && (error.detail ?? '').length <= 256,
    );
  });
});

describe('decodeClaims', () => {
  it('reads without verifying, and says what is malformed', async () => {
    expect(decodeClaims(token, TYPE, schema)).toEqual({ a: 1 });
    expect(await codeOf(() => decodeClaims(token, 'presence+jwt', schema))).toBe('jws_type');
    const [head, , tail] = token.split('.');
    expect(await codeOf(() => decodeClaims(`${head}.AB.${tail}`, TYPE, schema))).toBe('jws_malformed');
    expect(await codeOf(() => decodeClaims(`${head}.W10.${tail}`, TYPE, schema))).toBe('claims_invalid');
  });
});

describe('assertTimes', () => {
  const claims = { iat: 1000, nbf: 1000, exp: 2000 };

  it('takes an object from a minute before its time until a minute after', () => {
    for (const now of [940, 1000, 2000, 2059]) expect(() => assertTimes(claims, now)).not.toThrow();
  });

  it('refuses it a second earlier and a second later', async () => {
    expect(await codeOf(() => assertTimes(claims, 939))).toBe('jws_not_yet_valid');
    expect(await codeOf(() => assertTimes(claims, 2060))).toBe('jws_expired');
  });

  it('refuses what was issued in the future, whatever its nbf', async () => {
    expect(await codeOf(() => assertTimes({ iat: 1000, nbf: 0, exp: 2000 }, 500))).toBe('jws_not_yet_valid');
  });

  it('refuses what begins later than it was issued, before then', async () => {
    expect(await codeOf(() => assertTimes({ iat: 1000, nbf: 1500, exp: 2000 }, 1200))).toBe(
      'jws_not_yet_valid',
    );
  });

  it('refuses what ends when or before it begins', async () => {
    expect(await codeOf(() => assertTimes({ iat: 1000, exp: 1000 }, 1000))).toBe('claims_invalid');
  });

  it('refuses everything when the clock gives no time', async () => {
    expect(await codeOf(() => assertTimes(claims, Number.NaN))).toBe('internal');
  });
});

describe('types', () => {
  it('keep an identity-attributes token from passing for a binding', async () => {
    const acme = await makeCompany();
    const attributes = await acme.attributes(acme.iss);
    expect(
      await codeOf(() => verifyJws(attributes, 'key-binding+jwt', schema, () => acme.keys.binding.publicKey)),
    ).toBe('jws_type');
  });
});
