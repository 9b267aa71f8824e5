import * as z from 'zod/mini';
import { digest, entityId, id, seconds } from './claims.ts';
import type { DeviceEndorsement } from './device.ts';
import type { SigningKey } from './ed25519.ts';
import { CountersignError } from './errors.ts';
import { sha256Base64url } from './hash.ts';
import { assertTimes, signJws, verifyJws } from './jws.ts';
import { PRESENCE_LIFE, type Presence } from './presence.ts';
import { thumbprint } from './public-key.ts';

/**
 * `presence-renewal+jwt` (PROTOCOL §4): a device that proved its presence is still there, in this epoch. It names the
 * proof by its hash, and so can change nothing of what that says: place, media key and ephemeral key stay.
 */
export const presenceRenewalSchema = z.strictObject({
  iss: entityId,
  sub: id,
  device_id: digest,
  aud: z.string().check(z.minLength(1), z.maxLength(255)),
  meeting: z.string().check(z.minLength(1), z.maxLength(128)),
  /** sha256 of the `presence+jwt` that is renewed. */
  presence: digest,
  epoch: z.int().check(z.nonnegative()),
  /** The host's, of that epoch. */
  challenge: z.string().check(z.minLength(22), z.maxLength(128)),
  iat: seconds,
  exp: seconds,
});

export type PresenceRenewal = z.infer<typeof presenceRenewalSchema>;

/** What the verifier itself knows: the proof that was verified before, and the epoch that the renewal is to answer. */
export interface RenewedPresence {
  /** The `presence+jwt`, and what it says. */
  readonly proof: string;
  readonly presence: Presence;
  readonly epoch: number;
  readonly challenge: string;
}

/** Signs a renewal with the device's `sig`. */
export async function signPresenceRenewal(device: SigningKey, claims: PresenceRenewal): Promise<string> {
  return signJws(device, 'presence-renewal+jwt', claims);
}

/**
 * Verifies a renewal against a verified device endorsement and a verified proof of its presence. Throws
 * `presence_mismatch` for one of another proof, person, meeting or epoch, or that is older than its proof, `jws_audience`,
 * and what the parts throw.
 */
export async function verifyPresenceRenewal(
  token: string,
  device: DeviceEndorsement,
  { proof, presence, epoch, challenge }: RenewedPresence,
  now: number,
): Promise<PresenceRenewal> {
  const claims = await verifyJws(token, 'presence-renewal+jwt', presenceRenewalSchema, ({ kid }) => {
    if (kid === thumbprint(device.keys[1])) return device.keys[1];
    throw new CountersignError('jws_unknown_key', 'another device signed this');
  });
  if (claims.aud !== presence.aud) throw new CountersignError('jws_audience');
  const isSameDevice = [device, presence].every(
    ({ iss, sub, device_id }) => claims.iss === iss && claims.sub === sub && claims.device_id === device_id,
  );
  if (!isSameDevice || claims.presence !== sha256Base64url(proof)) {
    throw new CountersignError('presence_mismatch', 'it renews another presence');
  }
  if (claims.meeting !== presence.meeting || claims.epoch !== epoch || claims.challenge !== challenge) {
    throw new CountersignError('presence_mismatch', 'the renewal is for another meeting or epoch');
  }
  if (claims.epoch < presence.epoch || claims.iat < presence.iat) {
    throw new CountersignError('presence_mismatch', 'the renewal is older than what it renews');
  }
  assertTimes(claims, now);
  if (claims.exp - claims.iat > PRESENCE_LIFE) {
    throw new CountersignError('claims_invalid', 'the renewal lives too long');
  }
  return claims;
}
