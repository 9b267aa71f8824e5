import * as z from 'zod/mini';
import { bytes32, digest, entityId, id, seconds } from './claims.ts';
import type { DeviceEndorsement } from './device.ts';
import type { SigningKey } from './ed25519.ts';
import { CountersignError } from './errors.ts';
import { assertTimes, signJws, verifyJws } from './jws.ts';
import { thumbprint } from './public-key.ts';

const x25519Key = z.strictObject({
  kty: z.literal('OKP'),
  crv: z.literal('X25519'),
  x: bytes32,
});

/**
 * `presence+jwt` (PROTOCOL §4): a device proves that it is here, now, in this epoch of this meeting, with this media
 * key. One challenge of the host per epoch, not one nonce per pair.
 */
export const presenceSchema = z.strictObject({
  iss: entityId,
  sub: id,
  device_id: digest,
  aud: z.string().check(z.minLength(1), z.maxLength(255)),
  meeting: z.string().check(z.minLength(1), z.maxLength(128)),
  epoch: z.int().check(z.nonnegative()),
  challenge: z.string().check(z.minLength(22), z.maxLength(128)),
  /** The media layer's public key, as that layer encodes it. */
  media_key: z.string().check(z.minLength(1), z.maxLength(1024)),
  ephemeral: x25519Key,
  iat: seconds,
  exp: seconds,
});

export type Presence = z.infer<typeof presenceSchema>;

/** A presence proof lives this long at most, seconds: it is made for one join. */
export const PRESENCE_LIFE = 120;

/** Signs a presence proof with the device's `sig`. */
export async function signPresence(device: SigningKey, claims: Presence): Promise<string> {
  return signJws(device, 'presence+jwt', claims);
}

/**
 * Verifies a presence proof against a verified device endorsement and what the verifier itself knows of the meeting: a
 * proof relayed from another meeting, epoch or audience is refused. Throws `presence_mismatch`, `jws_audience` and
 * what the parts throw.
 */
export async function verifyPresence(
  token: string,
  device: DeviceEndorsement,
  expected: { aud: string; meeting: string; epoch: number; challenge: string },
  now: number,
): Promise<Presence> {
  const claims = await verifyJws(token, 'presence+jwt', presenceSchema, ({ kid }) => {
    if (kid !== thumbprint(device.keys[1]))
      throw new CountersignError('jws_unknown_key', 'another device signed this');
    return device.keys[1];
  });
  const sameDevice =
    claims.iss === device.iss && claims.sub === device.sub && claims.device_id === device.device_id;
  if (!sameDevice)
    throw new CountersignError('presence_mismatch', 'the proof names another person or device');
  if (claims.aud !== expected.aud) throw new CountersignError('jws_audience');
  const samePlace =
    claims.meeting === expected.meeting &&
    claims.epoch === expected.epoch &&
    claims.challenge === expected.challenge;
  if (!samePlace)
    throw new CountersignError('presence_mismatch', 'the proof is for another meeting or epoch');
  assertTimes(claims, now);
  if (claims.exp - claims.iat > PRESENCE_LIFE)
    throw new CountersignError('claims_invalid', 'the proof lives too long');
  return claims;
}
