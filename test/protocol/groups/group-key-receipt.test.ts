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
  ...{ device_id: testDigest('device'), stored: NOW - 20 * DAY, iat: NOW, exp: NOW + 600 },
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
    NOW,
  );

describe('a receipt for a group’s key', () => {
  it('says when the bridge stored it, however long ago', async () => {
    expect(await verify()).toEqual(claims());
  });

  it('is refused from another bridge, and by a key of another purpose', async () => {
    expect(await codeOf(() => verify({ iss: 'https://bridge.globex.example' }))).toBe('jws_issuer');
    expect(await codeOf(() => verify({}, 'binding'))).toBe('jws_unknown_key');
  });

  it('is refused once it is old: nobody shows a group for ever as it once was', async () => {
    const then = { iat: NOW - 700, exp: NOW - 100 };
    expect(await codeOf(() => verify(then))).toBe('jws_expired');
  });

  it('is refused for what is yet to be stored', async () => {
    expect(await codeOf(() => verify({ stored: NOW + 1 }))).toBe('claims_invalid');
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
