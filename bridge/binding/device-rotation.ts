import { decodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { type EncryptionKey, thumbprint } from '../../protocol/public-key.ts';
import {
  type DeviceRotationRequest,
  type DeviceRotationResult,
  deviceRotationTranscript,
} from '../../protocol/rotation.ts';
import { preFromJwk } from '../../recrypt/encoding.ts';
import { replaceDeviceKey } from '../directory/devices.ts';
import { succeeded } from '../events/succeeded.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { type Access, assertUnchanged, readAccess } from './access.ts';
import { assertEndorsed } from './enrolment-checks.ts';
import type { Holder } from './holder.ts';
import { requirePersonPermission } from './permission.ts';
import type { BindingDeps, Credentials } from './services.ts';
import { augmentedTransformKey, openShare, sealTransformKey } from './transform-keys.ts';

/**
 * Replaces the asking device's own encryption key, and the transform key with it (PROTOCOL §1): whoever copied the old key
 * reads nothing that is transformed from then on. Its `sig`, which names it and which its tokens are bound to, stays. The
 * same request again is answered again.
 *
 * Throws `forbidden`, `device_not_endorsed`, `rotation_proof`, `endorsement_mismatch`, `transform_key_mismatch`,
 * `recrypt_input_invalid`, `key_invalid`, `conflict`.
 */
export type RotateDevice = (
  who: Holder,
  request: DeviceRotationRequest,
  context: RequestContext,
) => Promise<DeviceRotationResult>;

export function createDeviceRotation(
  deps: BindingDeps & { readonly credentials: Credentials },
): RotateDevice {
  const { database, credentials } = deps;
  return async (who, request, context) => {
    requirePersonPermission(deps, who, {
      action: 'rotate-keys',
      resource: { kind: 'device', id: who.deviceId, owner: who.sub },
    });
    const access = await database.read((query) => readAccess(query, who));
    if (thumbprint(access.device.keys[0]) !== thumbprint(request.device_key)) {
      await rotate(deps, who, request, access, context);
    }
    const deviceBinding = await credentials.deviceBinding(who.deviceId);
    if (deviceBinding === null) throw new CountersignError('conflict', 'The device was removed meanwhile.');
    return { device_binding: deviceBinding };
  };
}

async function rotate(
  deps: BindingDeps,
  who: Holder,
  request: DeviceRotationRequest,
  access: Access,
  context: RequestContext,
): Promise<void> {
  const { engine, signer, database, events } = deps;
  const { device, keys, statement } = access;
  assertOwnKey(access, request.device_key);
  const transcript = deviceRotationTranscript(
    { iss: statement.iss, sub: who.sub, deviceId: who.deviceId },
    request,
  );
  const proof = decodeBase64url(request.device_key_proof, 64);
  if (!engine.schnorrVerify(preFromJwk(engine, request.device_key), transcript, proof)) {
    throw new CountersignError('rotation_proof', 'the proof by the device’s new key does not verify');
  }
  const sig = device.keys[1];
  await assertEndorsed(request.endorsement, statement, { pre: request.device_key, sig });
  const { key_version } = keys;
  const augmented = await augmentedTransformKey(deps, {
    sub: who.sub,
    encoded: decodeBase64url(request.transform_key),
    deviceKey: request.device_key,
    personSig: statement.keys[1],
    share: await openShare(signer, { sub: who.sub, keyVersion: key_version }, keys.share),
    vault: keys.vault,
  });
  const name = { sub: who.sub, deviceId: who.deviceId, keyVersion: key_version };
  const transform_key = await sealTransformKey(signer, name, augmented);
  await database.transaction(async (tx) => {
    assertUnchanged(access, await readAccess(tx, who));
    const { device_id, generation, label } = device;
    const replaced = await replaceDeviceKey(tx, {
      ...{ device_id, generation, key_version, transform_key },
      ...{ endorsement: request.endorsement, keys: [request.device_key, sig] },
    });
    if (!replaced) throw new CountersignError('conflict', 'The device was rotated meanwhile.');
    const subject = { sub: who.sub, address: statement.address, device: device_id };
    await events.append(tx, succeeded({ type: 'device.rotated', subject, data: { label } }, context));
  });
}

/** The person's key in the place of the device's would hand out what the vault is sealed to. */
function assertOwnKey({ statement }: Access, deviceKey: EncryptionKey): void {
  if (thumbprint(statement.keys[0]) === thumbprint(deviceKey)) {
    throw new CountersignError('key_invalid', 'the person and the device need encryption keys of their own');
  }
}
