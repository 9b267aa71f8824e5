import { beforeAll, describe, expect, it } from 'vitest';
import type { DeviceEndorsement } from '../../protocol/device.ts';
import { type Presence, signPresence } from '../../protocol/presence.ts';
import {
  type PresenceRenewal,
  signPresenceRenewal,
  verifyPresenceRenewal,
} from '../../protocol/presence-renewal.ts';
import { codeOf } from './codes.ts';
import { type Company, makeCompany, NOW, testDigest, testKey } from './company.ts';
import { LATER, LATER_PLACE as place, presenceOf, renewalOf } from './signed-objects/personal-objects.ts';

let acme: Company;
let laptop: DeviceEndorsement;
let presence: Presence;
let proof: string;

beforeAll(async () => {
  acme = await makeCompany();
  laptop = acme.endorsementClaims();
  presence = presenceOf(acme);
  proof = await signPresence(acme.device.sig, presence);
});

const claims = (changes: Partial<PresenceRenewal> = {}): PresenceRenewal => ({
  ...renewalOf(presence, proof),
  ...changes,
});
const renewal = (changes: Partial<PresenceRenewal> = {}, by = acme.device.sig) =>
  signPresenceRenewal(by, claims(changes));
const verify = (token: string, now = LATER) =>
  verifyPresenceRenewal(token, laptop, { proof, presence, ...place }, now);
const refusal = async (changes: Partial<PresenceRenewal>) =>
  codeOf(async () => verify(await renewal(changes)));

describe('verifyPresenceRenewal', () => {
  it('answers that a device is still there, as of the newest epoch', async () => {
    expect(await verify(await renewal())).toEqual(claims());
  });

  it('has no member for a key: what the proof said stays', async () => {
    const ephemeral = { kty: 'OKP', crv: 'X25519', x: testDigest('another') };
    expect(await refusal({ ephemeral } as Partial<PresenceRenewal>)).toBe('claims_invalid');
    expect(await refusal({ media_key: 'another' } as Partial<PresenceRenewal>)).toBe('claims_invalid');
  });

  it.each([
    ['of another proof of the device', { presence: testDigest('another proof') }],
    ['relayed from another meeting', { meeting: 'meeting-2' }],
    ['of an earlier epoch', { epoch: 8 }],
    ['for an earlier challenge', { challenge: testDigest('challenge') }],
    ['that names another person', { sub: 'sub-mallory' }],
    ['that names another bridge', { iss: 'https://bridge.globex.example' }],
    ['that names another device', { device_id: testDigest('other device') }],
  ])('refuses a renewal %s', async (_, changes) => {
    expect(await refusal(changes)).toBe('presence_mismatch');
  });

  it('refuses a renewal of another device’s presence', async () => {
    const another = { ...presence, device_id: testDigest('other device') };
    const before = { proof, presence: another, ...place };
    const code = await codeOf(async () => verifyPresenceRenewal(await renewal(), laptop, before, LATER));
    expect(code).toBe('presence_mismatch');
  });

  it('refuses a renewal that is older than the proof', async () => {
    const older = await renewal({ iat: NOW - 1, exp: NOW + 100 });
    expect(await codeOf(() => verify(older, NOW))).toBe('presence_mismatch');
    const before = { proof, presence, epoch: 2, challenge: place.challenge };
    const code = await codeOf(async () =>
      verifyPresenceRenewal(await renewal({ epoch: 2 }), laptop, before, LATER),
    );
    expect(code).toBe('presence_mismatch');
  });

  it('refuses a renewal for another audience, and one that lives longer than two minutes', async () => {
    expect(await refusal({ aud: 'https://other.example' })).toBe('jws_audience');
    expect(await refusal({ exp: LATER + 121 })).toBe('claims_invalid');
  });

  it('refuses a renewal after its time, and one from the future', async () => {
    const token = await renewal();
    expect(await codeOf(() => verify(token, LATER + 181))).toBe('jws_expired');
    expect(await codeOf(() => verify(token, LATER - 61))).toBe('jws_not_yet_valid');
  });

  it('refuses a renewal by another device, and one by the person’s own key', async () => {
    for (const key of [await testKey('other device'), acme.person.sig]) {
      expect(await codeOf(async () => verify(await renewal({}, key)))).toBe('jws_unknown_key');
    }
  });

  it('does not pass for a proof, nor a proof for it', async () => {
    expect(await codeOf(() => verify(proof))).toBe('jws_type');
  });
});
