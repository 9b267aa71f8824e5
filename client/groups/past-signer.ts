import { parseAddress } from '../../protocol/address.ts';
import { verifyCredential } from '../../protocol/credential.ts';
import { deviceBindingSchema, verifyDeviceBinding } from '../../protocol/device.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { SignerEvidence, VerifiedSigner } from '../../protocol/groups/signer-evidence.ts';
import { CLOCK_SKEW, decodeClaims } from '../../protocol/jws.ts';
import { keyBindingSchema } from '../../protocol/key-binding.ts';
import { onlineKeysSchema } from '../../protocol/online-keys.ts';
import { pinnedIssuer } from '../issuer-records.ts';
import { judgeStaple, pinOf } from '../judge.ts';
import { keepingEvidence } from '../log-pins.ts';
import type { ClientParts } from '../own-account.ts';
import { createPinDraft } from '../pin-draft.ts';
import { lookUpToday, recognizePast } from './past-statement.ts';

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
 * has another device, or has left. A bridge can date back whatever it signs, so the person's own signature must lead from
 * the keys of then to the pinned ones; an issuer that keeps a log proves them from it; and what today counts as signed by a
 * compromised key counted for nothing then. It says nothing of now. `lookUp` answers the address of today.
 *
 * Throws what does not verify as of then, `pin_changed` for keys that the pinned ones do not continue,
 * `statement_forked`, `version_rollback`, `key_compromised`, `level_too_low`, and what `seeCheckpoint` throws.
 */
export async function verifyPastSigner(
  parts: ClientParts,
  evidence: SignerEvidence,
  then: number,
  lookUp = (address: string) => lookUpToday(parts, address),
): Promise<VerifiedSigner> {
  const { context } = parts;
  const { credential } = evidence;
  const { address } = parseAddress(evidence.address);
  if (then > context.now() + CLOCK_SKEW) throw new CountersignError('jws_not_yet_valid');
  // Brings the record of the issuer, and pins whoever answers to the address now, if anybody does.
  const today = await lookUp(address);
  // Only to choose the record; the signature is then verified under it.
  const { iss } = decodeClaims(credential.binding, 'key-binding+jwt', keyBindingSchema);
  const own = iss === context.issuer ? (await parts.ownKeys.current()).compromised : [];
  return keepingEvidence(context, iss, () =>
    context.pins.update(async (pins) => {
      const draft = createPinDraft(pins);
      const issuer = pinnedIssuer(draft, iss, address, context.now());
      const compromised = [...own, ...(issuer.compromised ?? [])];
      const as = { issuer, policy: context.policy, now: then, compromised };
      const verified = await verifyCredential(credential, address, as);
      const { onlineKeys, statement, log } = verified;
      await judgeStaple(context, draft, { credential, issuer, log, asOf: then });
      await recognizePast(draft, pinOf(verified, context.now()), { past: statement, today });
      const device = await verifyDeviceBinding(evidence.device_binding, onlineKeys, statement, then);
      return { pins: draft.pins(), result: { address, device } };
    }),
  );
}
