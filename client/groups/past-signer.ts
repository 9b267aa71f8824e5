import { parseAddress } from '../../protocol/address.ts';
import { verifyCredential } from '../../protocol/credential.ts';
import { deviceBindingSchema, verifyDeviceBinding } from '../../protocol/device.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { SignerEvidence, VerifiedSigner } from '../../protocol/groups/signer-evidence.ts';
import { CLOCK_SKEW, decodeClaims } from '../../protocol/jws.ts';
import { keyBindingSchema } from '../../protocol/key-binding.ts';
import type { KeyStatement } from '../../protocol/key-statement.ts';
import { onlineKeysSchema } from '../../protocol/online-keys.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { pinnedIssuer } from '../issuer-records.ts';
import { lookUp } from '../look-up.ts';
import type { ClientParts } from '../own-account.ts';
import { createPinDraft } from '../pin-draft.ts';
import type { AddressPin } from '../pin-store.ts';

/**
 * Whether evidence is of a time before what is pinned, or before today. It may be anybody's: whoever makes theirs look old
 * gets it judged as old.
 */
export async function isOutdated({ context }: ClientParts, evidence: SignerEvidence): Promise<boolean> {
  const { binding, online_keys: onlineKeys } = evidence.credential;
  const { exp, iat, statement } = decodeClaims(binding, 'key-binding+jwt', keyBindingSchema);
  const device = decodeClaims(evidence.device_binding, 'device-binding+jwt', deviceBindingSchema);
  const { serial } = decodeClaims(onlineKeys, 'online-keys+jwt', onlineKeysSchema);
  const now = context.now();
  const pins = await context.pins.read();
  const pin = pins.addresses[statement.address];
  return (
    Math.min(exp, device.exp, iat + context.policy.maxAge) <= now ||
    serial < (pins.issuers[statement.iss]?.serial ?? 0) ||
    (pin?.iss === statement.iss && statement.version < pin.version)
  );
}

/**
 * Whose device it was, by evidence as it stood `then` (seconds): what was sealed stays readable when whoever sealed it
 * has another device, or has left. The person must be the pinned one all the same. It says nothing of now. Throws what
 * does not verify as of then, and `pin_changed`.
 */
export async function verifyPastSigner(
  parts: ClientParts,
  evidence: SignerEvidence,
  then: number,
): Promise<VerifiedSigner> {
  const { context } = parts;
  const { address } = parseAddress(evidence.address);
  if (then > context.now() + CLOCK_SKEW) throw new CountersignError('jws_not_yet_valid');
  // Brings the record of the issuer, and pins whoever answers to the address now, if anybody does.
  await lookUp(parts, [address]);
  const pins = await context.pins.read();
  // Only to choose the record; the signature is then verified under it.
  const { iss } = decodeClaims(evidence.credential.binding, 'key-binding+jwt', keyBindingSchema);
  const issuer = pinnedIssuer(createPinDraft(pins), iss, address, context.now());
  const as = { issuer, policy: context.policy, now: then };
  const { onlineKeys, statement } = await verifyCredential(evidence.credential, address, as);
  const pin = pins.addresses[address];
  if (pin !== undefined && !isSamePerson(pin, statement)) {
    throw new CountersignError('pin_changed', `the key of ${address} was another one then`);
  }
  return {
    address,
    device: await verifyDeviceBinding(evidence.device_binding, onlineKeys, statement, then),
  };
}

function isSamePerson(
  pin: Pick<AddressPin, 'iss' | 'sub' | 'pre'>,
  { iss, sub, keys }: KeyStatement,
): boolean {
  return pin.iss === iss && pin.sub === sub && thumbprint(pin.pre) === thumbprint(keys[0]);
}
