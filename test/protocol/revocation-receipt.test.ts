import { beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../protocol/canonical-json.ts';
import { type RevocationReceipt, verifyRevocationReceipt } from '../../protocol/revocation-receipt.ts';
import { codeOf } from './codes.ts';
import { type Company, DAY, makeCompany, NOW, testDigest } from './company.ts';

let acme: Company;

beforeAll(async () => {
  acme = await makeCompany();
});

const claims = (changes: Partial<RevocationReceipt> = {}): RevocationReceipt => ({
  iss: acme.iss,
  jti: 'receipt-1',
  iat: NOW,
  act: 'device-removed',
  sub: 'sub-alice',
  device_id: testDigest('device'),
  transform_keys: 1,
  tokens: 2,
  generation: 3,
  ...changes,
});
const verify = async (changes: object = {}, purpose: 'statement' | 'binding' = 'statement') =>
  verifyRevocationReceipt(
    await acme.signs(purpose, 'revocation-receipt+jwt', { ...claims(), ...changes } as Json),
    await acme.onlineKeys(),
  );

describe('a receipt of a revocation', () => {
  it('says what the bridge deleted, for as long as its key is known', async () => {
    expect(await verify()).toEqual(claims());
    expect((await verify({ iat: NOW - 20 * DAY })).iat).toBe(NOW - 20 * DAY);
  });

  it('names the member who was removed, a person or a group', async () => {
    const member = { iss: 'https://bridge.globex.example', group: testDigest('sales') };
    expect(await verify({ act: 'member-removed', group: testDigest('group'), member })).toMatchObject({
      member,
    });
  });

  it('is refused from another bridge, by a key of another purpose, and dated outside its key’s use', async () => {
    expect(await codeOf(() => verify({ iss: 'https://bridge.globex.example' }))).toBe('jws_issuer');
    expect(await codeOf(() => verify({}, 'binding'))).toBe('jws_unknown_key');
    expect(await codeOf(() => verify({ iat: NOW - 31 * DAY }))).toBe('jws_unknown_key');
  });

  it('is refused for an act that nobody knows, and with a count below none', async () => {
    expect(await codeOf(() => verify({ act: 'forgotten' }))).toBe('claims_invalid');
    expect(await codeOf(() => verify({ tokens: -1 }))).toBe('claims_invalid');
  });
});
