import { encodeBase64url } from '../protocol/base64url.ts';
import { verifyDeviceBinding } from '../protocol/device.ts';
import { CountersignError } from '../protocol/errors.ts';
import { PRESENCE_LIFE, signPresence, verifyPresence } from '../protocol/presence.ts';
import type { OwnPresence, PresenceProof, PresenceRequest, VerifiedPresence } from './client.ts';
import type { ClientContext } from './context.ts';
import { verifyShownCredential } from './offline.ts';
import { type ClientParts, currentDevice, describeAccount } from './own-account.ts';

/** Proves that this device is in this epoch of this meeting with this media key (PROTOCOL §4). */
export async function createPresence(parts: ClientParts, request: PresenceRequest): Promise<OwnPresence> {
  const { credential, verified, deviceBinding } = await describeAccount(parts);
  if (credential === null || verified === null) throw new CountersignError('not_enrolled');
  if (deviceBinding === null) throw new CountersignError('device_not_endorsed');
  const device = await currentDevice(parts.context);
  const now = parts.context.now();
  const { privateKey, x } = await generateEphemeral();
  const proof = await signPresence(device.sig, {
    iss: verified.statement.iss,
    sub: verified.statement.sub,
    device_id: device.id,
    aud: request.aud,
    meeting: request.meeting,
    epoch: request.epoch,
    challenge: request.challenge,
    media_key: request.mediaKey,
    ephemeral: { kty: 'OKP', crv: 'X25519', x },
    iat: now,
    exp: now + PRESENCE_LIFE,
  });
  // Attributes are told to one audience, which the other participants are not.
  const { attributes: _ours, ...shown } = credential;
  return {
    proof,
    credential: shown,
    device_binding: deviceBinding,
    ephemeralPrivateKey: privateKey,
  };
}

async function generateEphemeral(): Promise<{ privateKey: CryptoKey; x: string }> {
  const pair = await crypto.subtle.generateKey({ name: 'X25519' }, false, ['deriveBits']);
  if (!('privateKey' in pair)) throw new CountersignError('internal');
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  return { privateKey: pair.privateKey, x: encodeBase64url(raw) };
}

/** Person, device, presence: each verified under the one before. Throws what the parts throw. */
export async function verifyShownPresence(
  context: ClientContext,
  shown: PresenceProof,
  expected: { address: string; aud: string; meeting: string; epoch: number; challenge: string },
): Promise<VerifiedPresence> {
  const now = context.now();
  const { answer, verified } = await verifyShownCredential(context, shown.credential, expected.address);
  const { onlineKeys, statement } = verified;
  const device = await verifyDeviceBinding(shown.device_binding, onlineKeys, statement, now);
  const presence = await verifyPresence(shown.proof, device, expected, now);
  return { person: answer, device, presence };
}
