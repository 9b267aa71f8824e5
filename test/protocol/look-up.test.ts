import { beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../protocol/canonical-json.ts';
import {
  LOOK_UP_ADDRESSES,
  type LookUpRequest,
  type LookUpResponse,
  lookUpBodySchema,
  lookUpRequestSchema,
  verifyLookUpRequest,
  verifyLookUpResponse,
} from '../../protocol/look-up.ts';
import type { OnlineKeys } from '../../protocol/online-keys.ts';
import { codeOf } from './codes.ts';
import { type Company, makeCompany, NOW, testDigest } from './company.ts';

let acme: Company;
let globex: Company;
let acmeKeys: OnlineKeys;
let globexKeys: OnlineKeys;

beforeAll(async () => {
  acme = await makeCompany();
  globex = await makeCompany('globex', 'bob');
  acmeKeys = await acme.onlineKeys();
  globexKeys = await globex.onlineKeys();
});

describe('a look-up request', () => {
  const request = (changes: Partial<LookUpRequest> = {}) => {
    const claims: LookUpRequest = {
      iss: acme.iss,
      aud: globex.iss,
      jti: 'request-1',
      iat: NOW,
      exp: NOW + 60,
      addresses: ['bob@globex.example'],
      max_age: 0,
      ...changes,
    };
    return acme.signs('federation', 'key-lookup-request+jwt', claims);
  };
  const verify = (token: string, now = NOW) => verifyLookUpRequest(token, acmeKeys, globex.iss, now);

  it('is taken by the bridge that it is addressed to', async () => {
    expect((await verify(await request())).addresses).toEqual(['bob@globex.example']);
  });

  it('is refused by another bridge: who received it cannot pass it on as its own question', async () => {
    const token = await request({ aud: 'https://bridge.initech.example' });
    expect(await codeOf(() => verify(token))).toBe('jws_audience');
  });

  it('is refused from another issuer', async () => {
    expect(await codeOf(async () => verify(await request({ iss: globex.iss })))).toBe('jws_issuer');
  });

  it('is refused when it lives longer than a minute', async () => {
    expect(await codeOf(async () => verify(await request({ exp: NOW + 61 })))).toBe('claims_invalid');
  });

  it('is refused after its time', async () => {
    expect(await codeOf(async () => verify(await request(), NOW + 120))).toBe('jws_expired');
  });

  it('is refused by a key of another purpose', async () => {
    const token = await acme.signs('binding', 'key-lookup-request+jwt', {});
    expect(await codeOf(() => verify(token))).toBe('jws_unknown_key');
  });

  it('is refused when it is a response, of the same key', async () => {
    const token = await acme.signs('federation', 'key-lookup-response+jwt', {});
    expect(await codeOf(() => verify(token))).toBe('jws_type');
  });

  it('holds from one to a thousand addresses, and an age of at most a day', async () => {
    const honest = {
      iss: acme.iss,
      aud: globex.iss,
      jti: 'a',
      iat: 1,
      exp: 2,
      addresses: ['a@b.c'],
      max_age: 0,
    };
    const takes = (changes: object) => lookUpRequestSchema.safeParse({ ...honest, ...changes }).success;
    const addresses = (count: number) => Array.from({ length: count }, () => 'a@b.example');
    expect(takes({ addresses: addresses(LOOK_UP_ADDRESSES) })).toBe(true);
    expect(takes({ addresses: addresses(LOOK_UP_ADDRESSES + 1) })).toBe(false);
    expect(takes({ addresses: [] })).toBe(false);
    expect(takes({ addresses: ['a'.repeat(255)] })).toBe(false);
    expect(takes({ max_age: 86_401 })).toBe(false);
    expect(takes({ max_age: -1 })).toBe(false);
    expect(takes({ max_age: undefined })).toBe(false);
    expect(lookUpBodySchema.safeParse({ request_id: 'a', addresses: ['a@b.c'] }).success).toBe(true);
    expect(lookUpBodySchema.safeParse({ request_id: 'a', addresses: ['a@b.c'], aud: 'x' }).success).toBe(
      false,
    );
  });
});

describe('a look-up response', () => {
  const asked = () => ({
    aud: acme.iss,
    jti: 'request-1',
    requestHash: testDigest('request'),
    addresses: ['bob@globex.example', 'nobody@globex.example'],
  });
  const results = (): LookUpResponse['results'] => [
    { status: 'revoked_pending', address: 'bob@globex.example', source: 'own', iss: globex.iss, as_of: NOW },
    { status: 'not_found', address: 'nobody@globex.example', source: 'own', iss: globex.iss, as_of: NOW },
  ];
  const response = (changes: Partial<LookUpResponse> = {}) => {
    const claims: LookUpResponse = {
      iss: globex.iss,
      aud: acme.iss,
      jti: 'request-1',
      request_hash: testDigest('request'),
      iat: NOW,
      exp: NOW + 60,
      results: results(),
      ...changes,
    };
    return globex.signs('federation', 'key-lookup-response+jwt', claims as Json);
  };
  const verify = (token: string, now = NOW) => verifyLookUpResponse(token, globexKeys, asked(), now);

  it('is taken when it answers this very request', async () => {
    expect((await verify(await response())).results.map(({ status }) => status)).toEqual([
      'revoked_pending',
      'not_found',
    ]);
  });

  it('carries a credential, and a revocation with its proof', async () => {
    const [first, second] = results();
    if (first === undefined || second === undefined) throw new Error('unreachable');
    const { address, source, iss, as_of } = first;
    const credential = await globex.credential();
    const revocation = await globex.revocation();
    const verified = await verify(
      await response({
        results: [
          { status: 'credential', address, source, iss, as_of, credential },
          { status: 'revoked', address: second.address, source, iss, as_of, revocation },
        ],
      }),
    );
    expect(verified.results).toMatchObject([{ credential }, { revocation }]);
  });

  it('is refused by another asker', async () => {
    const token = await response({ aud: 'https://bridge.initech.example' });
    expect(await codeOf(() => verify(token))).toBe('jws_audience');
  });

  it.each([
    ['with its results in another order', () => ({ results: results().reverse() })],
    ['with a result too few', () => ({ results: results().slice(1) })],
    ['with a result too many', () => ({ results: [...results(), ...results()] })],
    ['with none', () => ({ results: [] })],
    [
      'for another address',
      () => ({ results: results().map((result) => ({ ...result, address: 'a@b.example' })) }),
    ],
  ])('is refused %s', async (_, changes) => {
    expect(await codeOf(async () => verify(await response(changes())))).toBe('claims_invalid');
  });

  it('is refused when it answers another request, or other bytes of it', async () => {
    const replayed = await response({ jti: 'request-2' });
    expect(await codeOf(() => verify(replayed))).toBe('response_mismatch');
    const other = await response({ request_hash: testDigest('other') });
    expect(await codeOf(() => verify(other))).toBe('response_mismatch');
  });

  it('is refused when it passes a partner’s claim off as its own, or its own as a partner’s', async () => {
    const foreign = results().map((result) => ({ ...result, iss: 'https://bridge.initech.example' }));
    expect(await codeOf(async () => verify(await response({ results: foreign })))).toBe('claims_invalid');
    const disowned = results().map((result) => ({ ...result, source: 'partner' as const }));
    expect(await codeOf(async () => verify(await response({ results: disowned })))).toBe('claims_invalid');
    const repeated = foreign.map((result) => ({ ...result, source: 'partner' as const }));
    expect((await verify(await response({ results: repeated }))).results).toHaveLength(2);
  });

  it('is refused when another bridge signed it', async () => {
    const token = await response();
    expect(await codeOf(() => verifyLookUpResponse(token, acmeKeys, asked(), NOW))).toBe('jws_unknown_key');
  });

  it('is refused after its time', async () => {
    expect(await codeOf(async () => verify(await response(), NOW + 120))).toBe('jws_expired');
  });
});
