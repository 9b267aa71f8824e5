import * as z from 'zod/mini';
import { compactJws, digest, entityId, id, seconds } from './claims.ts';
import { importSignatureKey, type SigningKey } from './ed25519.ts';
import { CountersignError } from './errors.ts';
import { verifyIssued } from './issued.ts';
import { signJws, verifyJws } from './jws.ts';
import type { KeyStatement } from './key-statement.ts';
import type { OnlineKeys } from './online-keys.ts';
import { keyPairSchema, type SignatureKey, thumbprint } from './public-key.ts';

/**
 * `device-endorsement+jwt` (PROTOCOL §4): the person's `sig` vouches for a device. The device id is the thumbprint of
 * the device's `sig` key, which is its DPoP key too: the id cannot be given to another key.
 */
export const deviceEndorsementSchema = z.strictObject({
  iss: entityId,
  sub: id,
  device_id: digest,
  keys: keyPairSchema,
  key_version: z.int().check(z.nonnegative()),
  iat: seconds,
});

/** `device-binding+jwt`: the bridge's short-lived signature over an endorsement. Neither counts without the other. */
export const deviceBindingSchema = z.strictObject({
  iss: entityId,
  sub: id,
  jti: id,
  iat: seconds,
  nbf: seconds,
  exp: seconds,
  endorsement: compactJws,
});

export type DeviceEndorsement = z.infer<typeof deviceEndorsementSchema>;
export type DeviceBindingClaims = z.infer<typeof deviceBindingSchema>;

/** Signs an endorsement with the person's `sig` key. */
export async function signDeviceEndorsement(person: SigningKey, claims: DeviceEndorsement): Promise<string> {
  return signJws(person, 'device-endorsement+jwt', claims);
}

/** Who the endorsement must be from, and for: taken from a verified statement. */
export type EndorsedPerson = Pick<KeyStatement, 'iss' | 'sub' | 'key_version' | 'keys'>;

/** Verifies an endorsement under the person's `sig`. Throws `endorsement_mismatch`, `key_invalid`, and what its parts throw. */
export async function verifyDeviceEndorsement(
  token: string,
  person: EndorsedPerson,
): Promise<DeviceEndorsement> {
  const personKey: SignatureKey = person.keys[1];
  const claims = await verifyJws(token, 'device-endorsement+jwt', deviceEndorsementSchema, ({ kid }) => {
    if (kid !== thumbprint(personKey)) {
      throw new CountersignError(
        'endorsement_mismatch',
        'the endorsement is not by the person’s current key',
      );
    }
    return personKey;
  });
  const matches =
    claims.iss === person.iss && claims.sub === person.sub && claims.key_version === person.key_version;
  if (!matches)
    throw new CountersignError(
      'endorsement_mismatch',
      'the endorsement is for another person or key version',
    );
  if (claims.device_id !== thumbprint(claims.keys[1])) {
    throw new CountersignError(
      'endorsement_mismatch',
      'the device id is not the thumbprint of the device key',
    );
  }
  await importSignatureKey(claims.keys[1]);
  return claims;
}

/**
 * Verifies a device binding and the endorsement within, against a verified statement: a bridge alone cannot add a
 * device. Throws what these checks throw.
 */
export async function verifyDeviceBinding(
  token: string,
  onlineKeys: OnlineKeys,
  person: EndorsedPerson,
  now: number,
): Promise<DeviceEndorsement> {
  const signer = { onlineKeys, purpose: 'binding' as const };
  const claims = await verifyIssued(token, 'device-binding+jwt', deviceBindingSchema, signer, now);
  if (claims.sub !== person.sub || claims.iss !== person.iss) {
    throw new CountersignError('endorsement_mismatch', 'the device binding is for another person');
  }
  return verifyDeviceEndorsement(claims.endorsement, person);
}
