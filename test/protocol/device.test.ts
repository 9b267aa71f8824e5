import { beforeAll, describe, expect, it } from 'vitest';
import { type EndorsedPerson, verifyDeviceBinding, verifyDeviceEndorsement } from '../../protocol/device.ts';
import { signJws } from '../../protocol/jws.ts';
import type { OnlineKeys } from '../../protocol/online-keys.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { codeOf } from './codes.ts';
import { type Company, DAY, makeCompany, makeDevice, NOW, testKey } from './company.ts';
import { knownAnswer } from './known-answers.ts';

const DEVICE_BINDING = knownAnswer('device-binding+jwt');
const DEVICE_ENDORSEMENT = knownAnswer('device-endorsement+jwt');

let acme: Company;
let onlineKeys: OnlineKeys;
let alice: EndorsedPerson;

beforeAll(async () => {
  acme = await makeCompany();
  onlineKeys = await acme.onlineKeys();
  alice = acme.statement();
});

describe('verifyDeviceEndorsement', () => {
  const refusal = (token: string, person = alice) => codeOf(() => verifyDeviceEndorsement(token, person));

  it('takes the endorsement of version 1, byte for byte', async () => {
    expect(await acme.endorsement()).toBe(DEVICE_ENDORSEMENT);
    expect(await verifyDeviceEndorsement(DEVICE_ENDORSEMENT, alice)).toEqual(acme.endorsementClaims());
  });

  it.each([
    ['another person', { sub: 'sub-mallory' }],
    ['another bridge', { iss: 'https://bridge.globex.example' }],
    ['an earlier key version', { key_version: 1 }],
  ])('is refused for %s', async (_, changes) => {
    expect(await refusal(await acme.endorsement(changes))).toBe('endorsement_mismatch');
  });

  it('is refused once the person’s key was rotated', async () => {
    const rotated = await testKey('person alice, rotated');
    const person = {
      ...alice,
      key_version: 1,
      keys: [acme.person.pre, rotated.publicKey] as EndorsedPerson['keys'],
    };
    expect(await refusal(await acme.endorsement(), person)).toBe('endorsement_mismatch');
  });

  it('is refused when the bridge signed it', async () => {
    const token = await acme.endorsement({}, acme.keys.binding);
    expect(await refusal(token)).toBe('endorsement_mismatch');
  });

  it('is refused when a device signed it: devices do not endorse devices', async () => {
    expect(await refusal(await acme.endorsement({}, acme.device.sig))).toBe('endorsement_mismatch');
  });

  it('is refused when the device id is another device’s', async () => {
    const other = await makeDevice('other');
    const token = await acme.endorsement({ keys: [other.pre, other.sig.publicKey] });
    expect(await refusal(token)).toBe('endorsement_mismatch');
  });

  it('is refused when the device key is of small order', async () => {
    const unsafe = { kty: 'OKP', crv: 'Ed25519', x: `AQ${'A'.repeat(41)}` } as const;
    const token = await acme.endorsement({ device_id: thumbprint(unsafe), keys: [acme.device.pre, unsafe] });
    expect(await refusal(token)).toBe('key_invalid');
  });
});

describe('verifyDeviceBinding', () => {
  const refusal = (token: string, now = NOW) =>
    codeOf(() => verifyDeviceBinding(token, onlineKeys, alice, now));

  it('takes the device binding of version 1, byte for byte', async () => {
    expect(await acme.deviceBinding()).toBe(DEVICE_BINDING);
    expect(await verifyDeviceBinding(DEVICE_BINDING, onlineKeys, alice, NOW)).toEqual(
      acme.endorsementClaims(),
    );
  });

  it('is refused when the bridge made the endorsement: a bridge alone cannot add a device', async () => {
    const slipped = await acme.endorsement({}, acme.keys.binding);
    expect(await refusal(await acme.deviceBinding(slipped))).toBe('endorsement_mismatch');
  });

  it('is refused when the person alone signed: an endorsement is no device binding', async () => {
    expect(await refusal(await acme.endorsement())).toBe('jws_type');
    const claims = { iss: acme.iss, sub: acme.person.sub, jti: 'a', iat: NOW, nbf: NOW, exp: NOW + DAY };
    const forged = await signJws(acme.person.sig, 'device-binding+jwt', {
      ...claims,
      endorsement: await acme.endorsement(),
    });
    expect(await refusal(forged)).toBe('jws_unknown_key');
  });

  it('is refused when it names another person', async () => {
    expect(await refusal(await acme.deviceBinding(undefined, { sub: 'sub-mallory' }))).toBe(
      'endorsement_mismatch',
    );
  });

  it('is refused when the endorsement within is another person’s', async () => {
    const endorsement = await acme.endorsement({ sub: 'sub-mallory' });
    expect(await refusal(await acme.deviceBinding(endorsement))).toBe('endorsement_mismatch');
  });

  it('is refused after its time: a device that the bridge removed is gone when it expires', async () => {
    expect(await refusal(await acme.deviceBinding(), NOW + DAY + 60)).toBe('jws_expired');
  });

  it('is refused when it embeds something that is no token', async () => {
    expect(await refusal(await acme.deviceBinding('nothing'))).toBe('claims_invalid');
  });
});
