import { beforeAll, describe, expect, it } from 'vitest';
import type { DeviceEndorsement } from '../../protocol/device.ts';
import { type Presence, signPresence, verifyPresence } from '../../protocol/presence.ts';
import { codeOf } from './codes.ts';
import { type Company, makeCompany, NOW, testDigest, testKey } from './company.ts';

const place = {
  aud: 'https://meet.example',
  meeting: 'meeting-1',
  epoch: 3,
  challenge: testDigest('challenge'),
};
let acme: Company;
let laptop: DeviceEndorsement;

beforeAll(async () => {
  acme = await makeCompany();
  laptop = acme.endorsementClaims();
});

const claims = (changes: Partial<Presence> = {}): Presence => ({
  iss: acme.iss,
  sub: acme.person.sub,
  device_id: acme.device.sig.kid,
  ...place,
  media_key: 'media key',
  ephemeral: { kty: 'OKP', crv: 'X25519', x: testDigest('x25519') },
  iat: NOW,
  exp: NOW + 120,
  ...changes,
});
const proof = (changes: Partial<Presence> = {}, by = acme.device.sig) => signPresence(by, claims(changes));
const verify = (token: string, now = NOW) => verifyPresence(token, laptop, place, now);
const refusal = async (changes: Partial<Presence>) => codeOf(async () => verify(await proof(changes)));

describe('verifyPresence', () => {
  it('answers the media key of a device that is here now', async () => {
    expect(await verify(await proof())).toEqual(claims());
  });

  it.each([
    ['relayed from another meeting', { meeting: 'meeting-2' }],
    ['of an earlier epoch', { epoch: 2 }],
    ['for an earlier challenge', { challenge: testDigest('earlier') }],
    ['that names another person', { sub: 'sub-mallory' }],
    ['that names another bridge', { iss: 'https://bridge.globex.example' }],
    ['that names another device', { device_id: testDigest('other device') }],
  ])('refuses a proof %s', async (_, changes) => {
    expect(await refusal(changes)).toBe('presence_mismatch');
  });

  it('refuses a proof for another audience', async () => {
    expect(await refusal({ aud: 'https://other.example' })).toBe('jws_audience');
  });

  it('refuses a proof that lives longer than two minutes', async () => {
    expect(await refusal({ exp: NOW + 121 })).toBe('claims_invalid');
  });

  it('refuses a proof after its time, and one from the future', async () => {
    const token = await proof();
    expect(await codeOf(() => verify(token, NOW + 180))).toBe('jws_expired');
    expect(await codeOf(() => verify(token, NOW - 61))).toBe('jws_not_yet_valid');
  });

  it('refuses a proof by another device, and one by the person’s own key', async () => {
    for (const key of [await testKey('other device'), acme.person.sig]) {
      expect(await codeOf(async () => verify(await proof({}, key)))).toBe('jws_unknown_key');
    }
  });

  it('refuses a challenge that could be guessed, and an ephemeral key of another curve', async () => {
    expect(await refusal({ challenge: 'a'.repeat(21) })).toBe('claims_invalid');
    const ephemeral = JSON.parse(`{"kty":"OKP","crv":"Ed25519","x":"${testDigest('x')}"}`);
    expect(await refusal({ ephemeral })).toBe('claims_invalid');
  });
});
