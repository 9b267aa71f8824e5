import { decodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { KeyStatement } from '../../protocol/key-statement.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { findDevice, insertDevice } from '../directory/devices.ts';
import type { KeyPair, PersonKeys } from '../directory/person-keys.ts';
import type { Transaction } from '../storage/database.ts';
import { noteDeviceSignIn, type SignInStrength } from './device-sign-ins.ts';
import { assertEndorsed } from './enrolment-checks.ts';
import type { BindingDeps } from './services.ts';
import { augmentedTransformKey, openShare, sealTransformKey } from './transform-keys.ts';

/** A device that the person's keys are said to vouch for: attacker-controlled but for `sub` and `signIn`. */
export interface OfferedDevice {
  readonly sub: string;
  readonly label: string;
  readonly keys: KeyPair;
  /** `device-endorsement+jwt`. */
  readonly endorsement: string;
  /** recrypt transform key u→D, base64url. */
  readonly transformKey: string;
  /** How its holder signed in. */
  readonly signIn: SignInStrength;
}

/** The person's keys and the statement that stands for them. */
export interface StandingKeys {
  readonly keys: PersonKeys;
  readonly statement: KeyStatement;
}

/**
 * Holds endorsement and transform key against the person's and the device's keys; answers the latter augmented and
 * sealed. Throws `endorsement_mismatch`, `transform_key_mismatch`, `recrypt_input_invalid`, `overloaded`, `unavailable`.
 */
export async function checkedTransformKey(
  deps: BindingDeps,
  offered: OfferedDevice,
  { keys, statement }: StandingKeys,
): Promise<Uint8Array> {
  const { sub } = offered;
  const [pre, sig] = offered.keys;
  await assertEndorsed(offered.endorsement, statement, { pre, sig });
  const keyVersion = keys.key_version;
  const augmented = await augmentedTransformKey(deps, {
    sub,
    encoded: decodeBase64url(offered.transformKey),
    deviceKey: pre,
    personSig: statement.keys[1],
    share: await openShare(deps.signer, { sub, keyVersion }, keys.share),
    vault: keys.vault,
  });
  return sealTransformKey(deps.signer, { sub, deviceId: thumbprint(sig), keyVersion }, augmented);
}

/** Stores a device that was checked. Throws `conflict` where its key is in use. */
export async function admitDevice(
  transaction: Transaction,
  offered: OfferedDevice,
  admitted: { readonly keyVersion: number; readonly transformKey: Uint8Array; readonly now: number },
): Promise<void> {
  const device_id = thumbprint(offered.keys[1]);
  if ((await findDevice(transaction, device_id)) !== undefined) {
    throw new CountersignError('conflict', 'This device key is in use.');
  }
  const { sub, label, keys, endorsement } = offered;
  await insertDevice(transaction, {
    ...{ device_id, sub, label, keys, endorsement },
    key_version: admitted.keyVersion,
    transform_key: admitted.transformKey,
    added: admitted.now,
  });
  await noteDeviceSignIn(transaction, sub, offered.signIn);
}
