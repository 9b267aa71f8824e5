import { verifyDeviceEndorsement } from '../../../protocol/device.ts';
import { type EscrowRecord, verifyEscrow } from '../../../protocol/escrow/escrow-record.ts';
import { verifyOrganizationEscrow } from '../../../protocol/escrow/organization-escrow.ts';
import { type RecoveryHalves, verifyOrganizationKey } from '../../../protocol/escrow/organization-key.ts';
import { sha256Base64url } from '../../../protocol/hash.ts';
import { type Presence, signPresence, verifyPresence } from '../../../protocol/presence.ts';
import { type PresenceRenewal, verifyPresenceRenewal } from '../../../protocol/presence-renewal.ts';
import { type Company, DAY, NOW, testDigest, testEncryptionKey } from '../company.ts';
import { type SignedObject, testBytes } from './signed-object.ts';

/** When Alice’s laptop renews its presence. */
export const LATER = NOW + 12 * 3600;
export const LATER_PLACE = { epoch: 9, challenge: testDigest('later challenge') };

/** Alice’s laptop is in a meeting. */
export function presenceOf({ iss, person, device }: Company): Presence {
  return {
    ...{ iss, sub: person.sub, device_id: device.sig.kid },
    ...{ aud: iss, meeting: 'meeting-1', epoch: 3, challenge: testDigest('challenge') },
    ...{ media_key: 'media key', ephemeral: { kty: 'OKP', crv: 'X25519', x: testDigest('x25519') } },
    ...{ iat: NOW, exp: NOW + 120 },
  };
}

/** It is still there half a day later. */
export function renewalOf({ iss, sub, device_id, aud, meeting }: Presence, proof: string): PresenceRenewal {
  const about = { iss, sub, device_id, aud, meeting, presence: sha256Base64url(proof) };
  return { ...about, ...LATER_PLACE, iat: LATER, exp: LATER + 120 };
}

/** Alice’s keys rest under a passphrase. */
export function escrowOf({ iss, person }: Company): EscrowRecord {
  return {
    ...{ v: 1, iss, sub: person.sub, key_version: 0, method: 'passphrase' },
    recovery_key: testEncryptionKey('recovery'),
    wrapped: {
      derivation: { name: 'argon2id', passes: 3, memory: 65_536, lanes: 4, salt: 'c2FsdCBvZiBhbGljZSAxNg' },
      nonce: 'bm9uY2Ugb2YgMTIg',
      key: 'd3JhcHBlZCBrZXkgb2YgYWxpY2UsIHdpdGggaXRzIHRhZyBvZiAxNi4uLi4uLi4u',
    },
    ...{ box: sha256Base64url('box'), iat: NOW },
  };
}

export function halvesOf(name: string): RecoveryHalves {
  return [testEncryptionKey(`${name} half 1`), testEncryptionKey(`${name} half 2`)];
}

/** What Alice and her laptop sign for themselves, and Acme’s recovery key, to which she escrows. */
export async function personalObjects(acme: Company): Promise<SignedObject[]> {
  const { iss, person, device, keys } = acme;
  const onlineKeys = await acme.onlineKeys();
  const laptop = acme.endorsementClaims();
  const presence = presenceOf(acme);
  const proof = await signPresence(device.sig, presence);
  const recoveryKey = { iss, iat: NOW, exp: NOW + DAY, halves: halvesOf('current'), required: true };
  const signatures = [testBytes('by half 1'), testBytes('by half 2')];
  const verifyKey = (token: string) => verifyOrganizationKey(token, onlineKeys, NOW);
  return [
    {
      ...{ type: 'device-endorsement+jwt', by: person.sig, claims: laptop },
      verify: (token) => verifyDeviceEndorsement(token, acme.statement()),
    },
    {
      ...{ type: 'presence+jwt', by: device.sig, claims: presence },
      verify: (token) => verifyPresence(token, laptop, presence, NOW),
    },
    {
      ...{ type: 'presence-renewal+jwt', by: device.sig, claims: renewalOf(presence, proof) },
      verify: (token) => verifyPresenceRenewal(token, laptop, { proof, presence, ...LATER_PLACE }, LATER),
    },
    {
      ...{ type: 'escrow+jwt', by: person.sig, claims: escrowOf(acme) },
      verify: (token) => verifyEscrow(token, acme.statement({ escrow: 'passphrase' })),
    },
    {
      ...{ type: 'organization-escrow+jwt', by: person.sig },
      claims: {
        ...{ v: 1, iss, sub: person.sub, key_version: 0, halves: halvesOf('current') },
        ...{ boxes: [testDigest('box 1'), testDigest('box 2')], iat: NOW },
      },
      verify: (token) => verifyOrganizationEscrow(token, acme.statement({ escrow: 'organization' })),
    },
    { ...{ type: 'recovery-key+jwt', by: keys.binding, claims: recoveryKey }, verify: verifyKey },
    {
      ...{ type: 'recovery-key+jwt', form: 'in the place of another', by: keys.binding },
      claims: { ...recoveryKey, before: [{ halves: halvesOf('before'), signatures }] },
      optional: ['before'],
      verify: verifyKey,
    },
  ];
}
