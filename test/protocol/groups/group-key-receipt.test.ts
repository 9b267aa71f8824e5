import { beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../../protocol/canonical-json.ts';
import { type GroupKeyReceipt, verifyGroupKeyReceipt } from '../../../protocol/groups/group-key-receipt.ts';
import { thumbprint } from '../../../protocol/public-key.ts';
import { codeOf } from '../codes.ts';
import { type Company, DAY, makeCompany, NOW, testDigest } from '../company.ts';

let acme: Company;

beforeAll(async () => {
  acme = await makeCompany();
});

const claims = (changes: Partial<GroupKeyReceipt> = {}): GroupKeyReceipt => ({
  ...{ v: 1, iss: acme.iss, group: testDigest('group'), token: testDigest('token') },
  ...{ device_id: testDigest('device'), iat: NOW },
  ...changes,
});
const verify = async (
  changes: object = {},
  purpose: 'statement' | 'binding' = 'statement',
  compromised: string[] = [],
) =>
  verifyGroupKeyReceipt(
    await acme.signs(purpose, 'group-key-receipt+jwt', { ...claims(), ...changes } as Json),
    await acme.onlineKeys({ compromised }),
  );

describe('a receipt for a group’s key', () => {
  it('says when the bridge stored it, for as long as its key is known', async () => {
    expect(await verify()).toEqual(claims());
    expect((await verify({ iat: NOW - 20 * DAY })).iat).toBe(NOW - 20 * DAY);
  });

  it('is refused from another bridge, by a key of another purpose, and dated outside its key’s use', async () => {
    expect(await codeOf(() => verify({ iss: 'https://bridge.globex.example' }))).toBe('jws_issuer');
    expect(await codeOf(() => verify({}, 'binding'))).toBe('jws_unknown_key');
    expect(await codeOf(() => verify({ iat: NOW - 31 * DAY }))).toBe('jws_unknown_key');
  });

  it('is refused under a key that the root has declared compromised', async () => {
    const [key] = (await acme.onlineKeys()).all('statement');
    if (key === undefined) throw new Error('there is one');
    expect(await codeOf(() => verify({}, 'statement', [thumbprint(key.jwk)]))).toBe('key_compromised');
  });

  it('is refused with anything else in it', async () => {
    expect(await codeOf(() => verify({ seq: 1 }))).toBe('claims_invalid');
  });
});
