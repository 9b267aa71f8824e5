import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { verifyIssued } from '../../protocol/issued.ts';
import type { OnlineKeys } from '../../protocol/online-keys.ts';
import { codeOf } from './codes.ts';
import { type Company, DAY, makeCompany, NOW } from './company.ts';

const schema = z.strictObject({ iss: z.string(), iat: z.int(), exp: z.int() });
let acme: Company;

beforeAll(async () => {
  acme = await makeCompany();
});

async function verify(claims: { iat?: number; exp?: number; iss?: string }, keys: OnlineKeys, now = NOW) {
  const token = await acme.signs('record', 'partner-record+jwt', {
    iss: acme.iss,
    iat: NOW,
    exp: NOW + 200 * DAY,
    ...claims,
  });
  return verifyIssued(token, 'partner-record+jwt', schema, { onlineKeys: keys, purpose: 'record' }, now);
}

describe('verifyIssued', () => {
  it('answers what a key of the purpose signed in its time', async () => {
    expect((await verify({}, await acme.onlineKeys())).iss).toBe(acme.iss);
  });

  it('is refused when another issuer is named', async () => {
    const keys = await acme.onlineKeys();
    expect(await codeOf(() => verify({ iss: 'https://bridge.globex.example' }, keys))).toBe('jws_issuer');
  });

  it('is refused when dated before the key came into use, or after it was retired', async () => {
    const keys = await acme.onlineKeys();
    const began = NOW - 30 * DAY;
    const ended = NOW + 30 * DAY;
    await verify({ iat: began - 60 }, keys);
    expect(await codeOf(() => verify({ iat: began - 61 }, keys))).toBe('jws_unknown_key');
    await verify({ iat: ended + 59 }, keys, ended + 60);
    expect(await codeOf(() => verify({ iat: ended + 60 }, keys, ended + 60))).toBe('jws_unknown_key');
  });

  it('takes what a retired key signed in its time', async () => {
    const keys = await acme.onlineKeys();
    await verify({ iat: NOW }, keys, NOW + 60 * DAY);
  });

  it('is refused under a key declared compromised, whatever its date', async () => {
    const keys = await acme.onlineKeys({ compromised: [acme.keys.record.kid] });
    expect(await codeOf(() => verify({ iat: NOW - 29 * DAY }, keys))).toBe('key_compromised');
  });

  it('is refused once the online keys themselves have expired in the hands of the one who keeps them', async () => {
    const keys = await acme.onlineKeys({ exp: NOW + DAY });
    await verify({}, keys, NOW + DAY + 59);
    expect(await codeOf(() => verify({}, keys, NOW + DAY + 60))).toBe('jws_expired');
  });
});
