import { encodeBase64url } from '../protocol/base64url.ts';
import { CountersignError } from '../protocol/errors.ts';
import type { KeyStatement } from '../protocol/key-statement.ts';
import {
  type DeviceRotationRequest,
  deviceRotationResultSchema,
  deviceRotationTranscript,
} from '../protocol/rotation.ts';
import { preToJwk } from '../recrypt/encoding.ts';
import type { PrePrivateKey } from '../recrypt/transform-engine.ts';
import type { ClientContext, Device } from './context.ts';
import { exclusively, loadSecrets } from './device-secrets.ts';
import { type ClientParts, currentDevice, describeAccount, verifyOwnDevice } from './own-account.ts';
import { openOwnVault } from './own-vault.ts';
import { admitDevice, dropPersonKeys } from './person-keys.ts';

/**
 * Replaces this device's encryption key. The next key is stored before it is sent and takes the place of the old one when
 * the bridge shows that it has it, at once or at the next `me()`: a crash in between loses neither.
 */
export async function rotateDevice(parts: ClientParts): Promise<void> {
  const { context, api } = parts;
  const { verified, deviceBinding } = await describeAccount(parts);
  if (verified === null) throw new CountersignError('not_enrolled');
  if (deviceBinding === null) throw new CountersignError('device_not_endorsed');
  const next = await keptNextKey(context);
  const device = await currentDevice(context);
  const request = await deviceRotationRequest(parts, device, verified.statement, next);
  const path = '/v1/devices/current/rotation';
  const { device_binding } = await api.post(path, request, deviceRotationResultSchema);
  const { keys } = await verifyOwnDevice(context, device_binding, verified, device);
  if (keys[0].x !== request.device_key.x) {
    throw new CountersignError('endorsement_mismatch', 'the device binding is for the old key');
  }
}

/** Made once: of two tabs that rotate at once, both go on with the same. */
function keptNextKey(context: ClientContext): Promise<PrePrivateKey> {
  return exclusively(context, async () => {
    const secrets = await loadSecrets(context);
    if (secrets === null) throw new CountersignError('sign_in_required');
    const next = secrets.next ?? context.engine.generateKeyPair().privateKey;
    if (secrets.next === undefined) await context.keyStore.save({ ...secrets, next });
    return next;
  });
}

async function deviceRotationRequest(
  parts: ClientParts,
  device: Device,
  statement: KeyStatement,
  next: PrePrivateKey,
): Promise<DeviceRotationRequest> {
  const { engine, now } = parts.context;
  const publicKey = engine.computePublicKey(next);
  const device_key = preToJwk(publicKey);
  const person = await openOwnVault(parts, device, statement);
  try {
    const admitted = { id: device.id, pre: device_key, sig: device.sig.publicKey };
    const { endorsement, transformKey } = await admitDevice(engine, person, statement, admitted, now());
    const unproven = { device_key, endorsement, transform_key: encodeBase64url(transformKey) };
    const { iss, sub } = statement;
    const transcript = deviceRotationTranscript({ iss, sub, deviceId: device.id }, unproven);
    return {
      ...unproven,
      device_key_proof: encodeBase64url(engine.schnorrSign(next, publicKey, transcript)),
    };
  } finally {
    dropPersonKeys(person);
  }
}
