import * as z from 'zod/mini';
import { parseAddress } from '../address.ts';
import { compactJws, seconds } from '../claims.ts';
import { credentialSchema, type VerificationContext, verifyCredential } from '../credential.ts';
import { type DeviceEndorsement, deviceBindingSchema, verifyDeviceBinding } from '../device.ts';
import { CountersignError } from '../errors.ts';
import { decodeClaims, readHeader } from '../jws.ts';
import { keyBindingSchema } from '../key-binding.ts';
import { type SignatureKey, thumbprint } from '../public-key.ts';

/**
 * What goes with something that a device signed: whose device it is. Both tokens are short-lived, so they are made
 * when they are asked for. Attributes are told to one audience, which others are not.
 */
export const signerEvidenceSchema = z.strictObject({
  address: z.string().check(z.minLength(1), z.maxLength(254)),
  credential: z.omit(credentialSchema, { attributes: true }),
  device_binding: compactJws,
});

export type SignerEvidence = z.infer<typeof signerEvidenceSchema>;

/** What a bridge keeps of a device that may be gone by now: evidence as it stood when the device signed. */
export const keptEvidenceSchema = z.strictObject({
  /** When it was made, seconds. */
  since: seconds,
  evidence: signerEvidenceSchema,
});

export type KeptEvidence = z.infer<typeof keptEvidenceSchema>;

/** The members of a verified endorsement that name who signs. */
export type SigningDevice = Pick<DeviceEndorsement, 'iss' | 'sub' | 'device_id' | 'keys'>;

/**
 * A device that was verified, with the address under which its person was. A `sub` without the address names nobody:
 * a bridge can give the `sub` of one person to another, but pins and the log hold it to the keys of an address.
 */
export interface VerifiedSigner {
  readonly address: string;
  readonly device: SigningDevice;
}

/** When the first of what evidence consists of ends, seconds: attacker-controlled until it is verified. */
export function endOfEvidence({
  credential,
  device_binding: binding,
}: Pick<SignerEvidence, 'credential' | 'device_binding'>): number {
  const { exp: person } = decodeClaims(credential.binding, 'key-binding+jwt', keyBindingSchema);
  const { exp: device } = decodeClaims(binding, 'device-binding+jwt', deviceBindingSchema);
  return Math.min(person, device);
}

/** When the last of what evidence consists of was made, seconds: attacker-controlled until it is verified. */
export function makingOfEvidence({
  credential,
  device_binding: binding,
}: Pick<SignerEvidence, 'credential' | 'device_binding'>): number {
  const { iat: person } = decodeClaims(credential.binding, 'key-binding+jwt', keyBindingSchema);
  const { iat: device } = decodeClaims(binding, 'device-binding+jwt', deviceBindingSchema);
  return Math.max(person, device);
}

/** The verified signer of this device id. Throws where there is none, or what its verification throws. */
export type FindSigner = (deviceId: string) => Promise<VerifiedSigner>;

/** Verifies evidence under the issuer's pinned record: person, then device. Throws what these checks throw. */
export async function verifySignerEvidence(
  evidence: SignerEvidence,
  context: VerificationContext,
): Promise<VerifiedSigner> {
  const { address } = parseAddress(evidence.address);
  const verified = await verifyCredential(evidence.credential, address, context);
  const { onlineKeys, statement } = verified;
  const device = await verifyDeviceBinding(evidence.device_binding, onlineKeys, statement, context.now);
  return { address, device };
}

/**
 * The device that a token says it is by: attacker-controlled, and only to find the evidence. Throws `jws_malformed`.
 */
export function claimedSigner(token: string): string {
  return readHeader(token).kid;
}

/** The key of a verified device, if `kid` names it. Throws `jws_unknown_key`. */
export function deviceKey(device: SigningDevice, kid: string): SignatureKey {
  const key = device.keys[1];
  if (kid !== thumbprint(key)) throw new CountersignError('jws_unknown_key', 'another device signed this');
  return key;
}
