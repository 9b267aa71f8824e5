import { deviceBindingSchema, deviceEndorsementSchema, verifyDeviceBinding } from '../../protocol/device.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { FindSigner, SignerEvidence, VerifiedSigner } from '../../protocol/groups/signer-evidence.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import { mayLackRecord } from '../issuer-records.ts';
import { lookUp } from '../look-up.ts';
import { verifyShownCredential } from '../offline.ts';
import type { ClientParts } from '../own-account.ts';

/**
 * The devices whose evidence came with an answer, each verified when it is asked for, once: the person under their
 * issuer's pinned record and against their own pin, then the device. Who sent the evidence matters nothing.
 *
 * What it finds throws what the verification throws, `pin_changed` among it; a device without evidence is
 * `jws_unknown_key`.
 */
export function signersOf(parts: ClientParts, evidence: readonly SignerEvidence[]): FindSigner {
  const shown = new Map<string, SignerEvidence>();
  for (const each of evidence) shown.set(claimedDevice(each), each);
  const verified = new Map<string, Promise<VerifiedSigner>>();
  return (deviceId) => {
    const known = verified.get(deviceId) ?? verifyOne(parts, deviceId, shown.get(deviceId));
    verified.set(deviceId, known);
    return known;
  };
}

/** Which device the evidence says it is for: attacker-controlled, and verified before it counts. */
export function claimedDevice({ device_binding: binding }: SignerEvidence): string {
  const { endorsement } = decodeClaims(binding, 'device-binding+jwt', deviceBindingSchema);
  return decodeClaims(endorsement, 'device-endorsement+jwt', deviceEndorsementSchema).device_id;
}

async function verifyOne(
  parts: ClientParts,
  deviceId: string,
  evidence: SignerEvidence | undefined,
): Promise<VerifiedSigner> {
  if (evidence === undefined) {
    throw new CountersignError('jws_unknown_key', 'there is no evidence of the device that signed');
  }
  const { address, device_binding: binding } = evidence;
  const { answer, verified } = await verifyWithRecord(parts, evidence);
  const { onlineKeys, statement } = verified;
  const device = await verifyDeviceBinding(binding, onlineKeys, statement, parts.context.now());
  if (device.device_id !== deviceId || answer.address !== address) {
    throw new CountersignError('jws_unknown_key', 'the evidence is of another device');
  }
  return { address, device };
}

/** Records of issuers come with look-ups: where this one's is missing or too old, its address is looked up first. */
async function verifyWithRecord(parts: ClientParts, { address, credential }: SignerEvidence) {
  try {
    return await verifyShownCredential(parts.context, credential, address);
  } catch (error) {
    if (!mayLackRecord(error)) throw error;
    await lookUp(parts, [address]);
    return verifyShownCredential(parts.context, credential, address);
  }
}
