import { beforeAll, describe, expect, it } from 'vitest';
import { type IdentityAttributes, verifyIdentityAttributes } from '../../protocol/identity-attributes.ts';
import type { OnlineKeys } from '../../protocol/online-keys.ts';
import { codeOf } from './codes.ts';
import { type Company, DAY, makeCompany, NOW } from './company.ts';

const GLOBEX = 'https://bridge.globex.example';
let acme: Company;
let onlineKeys: OnlineKeys;

beforeAll(async () => {
  acme = await makeCompany();
  onlineKeys = await acme.onlineKeys();
});

const verify = (token: string, now = NOW) =>
  verifyIdentityAttributes(token, onlineKeys, { aud: GLOBEX, sub: acme.person.sub }, now);
const refusal = async (changes: Partial<IdentityAttributes>, now = NOW) =>
  codeOf(async () => verify(await acme.attributes(GLOBEX, changes), now));

describe('verifyIdentityAttributes', () => {
  it('answers what this asker is told', async () => {
    const sign_in = { protocol: 'oidc' as const, acr: null, amr: ['pwd', 'otp'], auth_time: NOW };
    const claims = await verify(await acme.attributes(GLOBEX, { sign_in, organization: 'Acme' }));
    expect(claims).toMatchObject({ name: 'Alice Example', organization: 'Acme', sign_in });
  });

  it('is refused by another audience: what one asker was told is nothing to the next', async () => {
    expect(await refusal({ aud: 'https://bridge.initech.example' })).toBe('jws_audience');
  });

  it('is refused for another person', async () => {
    expect(await refusal({ sub: 'sub-mallory' })).toBe('claims_invalid');
  });

  it('is refused after its time', async () => {
    expect(await refusal({}, NOW + DAY + 60)).toBe('jws_expired');
  });

  it('is refused with a name that rewrites the line that it is shown in', async () => {
    expect(await refusal({ name: 'Mallory\u202e ecilA' })).toBe('claims_invalid');
    expect(await refusal({ name: 'Alice\nVerified by Acme' })).toBe('claims_invalid');
    expect(await refusal({ organization: 'Acme\u0000' })).toBe('claims_invalid');
  });

  it('is refused by a key of another purpose', async () => {
    const token = await acme.signs('statement', 'identity-attributes+jwt', {});
    expect(await codeOf(() => verify(token))).toBe('jws_unknown_key');
  });
});
