import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import {
  REQUEST_LIFE,
  requestEnvelopeOf,
  requestMembers,
  responseEnvelopeOf,
  responseMembers,
  verifyBridgeRequest,
  verifyBridgeResponse,
} from '../../protocol/bridge-request.ts';
import type { OnlineKeys } from '../../protocol/online-keys.ts';
import { codeOf } from './codes.ts';
import { type Company, makeCompany, NOW, testDigest } from './company.ts';

const requestSchema = z.strictObject({ ...requestMembers, question: z.string() });
const responseSchema = z.strictObject({ ...responseMembers, answer: z.string() });
const INITECH = 'https://bridge.initech.example';
let acme: Company;
let globex: Company;
let acmeKeys: OnlineKeys;
let globexKeys: OnlineKeys;

beforeAll(async () => {
  [acme, globex] = await Promise.all([makeCompany(), makeCompany('globex', 'bob')]);
  [acmeKeys, globexKeys] = await Promise.all([acme.onlineKeys(), globex.onlineKeys()]);
});

const envelope = () => requestEnvelopeOf({ iss: acme.iss, aud: globex.iss, jti: 'request-1' }, NOW);

describe('a request from bridge to bridge', () => {
  const request = (changes: object = {}) =>
    acme.signs('federation', 'group-view-request+jwt', { ...envelope(), question: 'why', ...changes });
  const verify = (token: string, now = NOW) =>
    verifyBridgeRequest(token, 'group-view-request+jwt', requestSchema, acmeKeys, globex.iss, now);

  it('is taken by the bridge that it is addressed to', async () => {
    expect(await verify(await request())).toMatchObject({ question: 'why', exp: NOW + REQUEST_LIFE });
  });

  it.each([
    ['addressed to another bridge', { aud: INITECH }, 'jws_audience'],
    ['from another issuer', { iss: INITECH }, 'jws_issuer'],
    ['that lives longer than a minute', { exp: NOW + REQUEST_LIFE + 1 }, 'claims_invalid'],
    ['with a member that it does not have', { more: 1 }, 'claims_invalid'],
  ] as const)('is refused %s', async (_, changes, code) => {
    expect(await codeOf(async () => verify(await request(changes)))).toBe(code);
  });

  it('is refused after its time', async () => {
    const token = await request();
    expect(await codeOf(() => verify(token, NOW + 120))).toBe('jws_expired');
  });

  it('is refused as another request, and by a key of another purpose', async () => {
    const other = await acme.signs('federation', 'key-opening-request+jwt', { ...envelope(), question: '' });
    expect(await codeOf(() => verify(other))).toBe('jws_type');
    const byBinding = await acme.signs('binding', 'group-view-request+jwt', { ...envelope(), question: '' });
    expect(await codeOf(() => verify(byBinding))).toBe('jws_unknown_key');
  });
});

describe('an answer from bridge to bridge', () => {
  const asked = () => ({ aud: acme.iss, jti: 'request-1', requestHash: testDigest('request') });
  const answer = (changes: object = {}) =>
    globex.signs('federation', 'group-view-response+jwt', {
      ...responseEnvelopeOf(envelope(), testDigest('request'), NOW),
      answer: 'because',
      ...changes,
    });
  const verify = (token: string, keys = globexKeys, now = NOW) =>
    verifyBridgeResponse(token, 'group-view-response+jwt', responseSchema, keys, asked(), now);

  it('is taken when it answers this very request', async () => {
    expect((await verify(await answer())).answer).toBe('because');
  });

  it.each([
    ['to another bridge', { aud: INITECH }, 'jws_audience'],
    ['from another bridge', { iss: INITECH }, 'jws_issuer'],
    ['to another request', { jti: 'request-2' }, 'response_mismatch'],
    ['to other bytes of the request', { request_hash: testDigest('other') }, 'response_mismatch'],
    ['that lives longer than a minute', { exp: NOW + REQUEST_LIFE + 1 }, 'claims_invalid'],
  ] as const)('is refused %s', async (_, changes, code) => {
    expect(await codeOf(async () => verify(await answer(changes)))).toBe(code);
  });

  it('is refused by another signer, and after its time', async () => {
    const token = await answer();
    expect(await codeOf(() => verify(token, acmeKeys))).toBe('jws_unknown_key');
    expect(await codeOf(() => verify(token, globexKeys, NOW + 120))).toBe('jws_expired');
  });
});
