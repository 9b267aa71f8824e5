import { createDeviceRotation } from '../../bridge/binding/device-rotation.ts';
import type { Holder } from '../../bridge/binding/holder.ts';
import { createRotations, type Rotations } from '../../bridge/binding/rotations.ts';
import { newId } from '../../bridge/lib/ids.ts';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { type SigningKey, signBytes } from '../../protocol/ed25519.ts';
import { type KeyStatement, signStatement, statementHash } from '../../protocol/key-statement.ts';
import {
  type DeviceRotationRequest,
  deviceRotationTranscript,
  type RotationContext,
  type RotationRequest,
  rotationTranscript,
} from '../../protocol/rotation.ts';
import { preToJwk } from '../../recrypt/encoding.ts';
import type { PreKeyPair } from '../../recrypt/transform-engine.ts';
import { expectCode } from '../binding/expect-code.ts';
import type { BridgeParts } from '../fakes/bridge-parts.ts';
import {
  approval,
  type ClientDevice,
  type ClientPerson,
  contextOf,
  type Enrolled,
  endorse,
  holder,
  newDevice,
  newPerson,
  sealVault,
  transformKeyTo,
} from '../fakes/client-side.ts';

export { expectCode };

/** A person with all that their client knows, at some key version. */
export interface Rotatable {
  readonly who: Holder;
  readonly person: ClientPerson;
  readonly statement: KeyStatement;
  readonly devices: readonly ClientDevice[];
}

export function rotatable({ who, person, device, offer }: Enrolled): Rotatable {
  return { who, person, statement: offer.statement, devices: [device] };
}

export function rotationsOf(parts: BridgeParts): Rotations {
  return createRotations(parts);
}

/** What a test can have the client do wrong; each part is consistent with the others otherwise. */
export interface RotationFaults {
  readonly requestId?: string;
  readonly statement?: Partial<RotationRequest['statement']>;
  readonly statementSigners?: readonly SigningKey[];
  /** Whose difference to the new half is the factor. */
  readonly oldHalf?: PreKeyPair;
  readonly context?: Partial<RotationContext>;
  readonly endorsed?: readonly ClientDevice[];
  readonly endorser?: SigningKey;
  readonly halfSigner?: PreKeyPair;
  readonly sigSigner?: SigningKey;
  readonly vault?: Uint8Array;
  readonly escrow?: RotationRequest['escrow'];
  /** Changes the request after it was proven. */
  readonly edit?: (request: RotationRequest) => RotationRequest;
}

/** What a client sends that rotates to these keys. */
export async function rotationTo(
  { engine, clock }: BridgeParts,
  { who, person, statement: current, devices }: Rotatable,
  fresh: ClientPerson,
  faults: RotationFaults = {},
): Promise<RotationRequest> {
  const { reason: _begun, ...rest } = current;
  const statement: RotationRequest['statement'] = {
    ...rest,
    version: current.version + 1,
    key_version: current.key_version + 1,
    keys: [current.keys[0], fresh.sig.publicKey],
    since: Math.floor(clock.now() / 1000),
    prev: statementHash(current),
    ...faults.statement,
  };
  const signers = faults.statementSigners ?? [fresh.sig, person.sig];
  const oldHalf = (faults.oldHalf ?? person.half).privateKey;
  const unproven = {
    request_id: faults.requestId ?? newId(),
    statement,
    signatures: await Promise.all(signers.map((key) => signStatement(key, statement))),
    client_half: preToJwk(fresh.half.publicKey),
    factor: encodeBase64url(engine.subtractPrivateKeys(oldHalf, fresh.half.privateKey)),
    ...(faults.escrow === undefined ? {} : { escrow: faults.escrow }),
    vault: encodeBase64url(faults.vault ?? (await sealVault(engine, fresh, statement))),
    endorsements: await Promise.all(
      (faults.endorsed ?? devices).map((device) => endorse(faults.endorser ?? fresh.sig, statement, device)),
    ),
  };
  const transcript = rotationTranscript(
    {
      ...{ iss: current.iss, sub: current.sub, deviceId: who.deviceId },
      ...{ previous: statementHash(current), personKey: current.keys[0], ...faults.context },
    },
    unproven,
  );
  const half = faults.halfSigner ?? fresh.half;
  const request = {
    ...unproven,
    client_half_proof: encodeBase64url(engine.schnorrSign(half.privateKey, half.publicKey, transcript)),
    sig_proof: await signBytes(faults.sigSigner ?? fresh.sig, transcript),
  };
  return faults.edit?.(request) ?? request;
}

/** Rotates; answers the person at their next key version. */
export async function rotate(parts: BridgeParts, before: Rotatable): Promise<Rotatable> {
  const person = await newPerson(parts.engine);
  const request = await rotationTo(parts, before, person);
  await rotationsOf(parts).rotate(before.who, request, contextOf(before.who));
  return { ...before, person, statement: request.statement };
}

/** Adds one more device by approval; answers who holds it. */
export async function addDevice(
  parts: BridgeParts,
  to: Rotatable,
  keys: { person?: ClientPerson; statement?: KeyStatement } = {},
): Promise<{ device: ClientDevice; who: Holder }> {
  const device = await newDevice(parts.engine, 'phone');
  const asking = holder(to.who.sub, device);
  const { id } = await parts.deviceAdditions.request(
    asking,
    {
      ...{ request_id: newId(), label: device.label, comparison: { method: 'fingerprint' } },
      ...{ device_key: preToJwk(device.pre.publicKey), device_sig: device.sig.publicKey },
    },
    contextOf(asking),
  );
  const sent = await approval(parts.engine, keys.person ?? to.person, keys.statement ?? to.statement, device);
  await parts.deviceAdditions.approve(to.who, id, sent, contextOf(to.who));
  return { device, who: { ...asking, endorsed: true } };
}

export function deviceRotationOf(parts: BridgeParts) {
  return createDeviceRotation(parts);
}

/** What a device sends that goes over to the keys of `next`, whose `sig` it keeps. */
export async function deviceRotationTo(
  { engine }: BridgeParts,
  { who, person, statement }: Rotatable,
  next: ClientDevice,
  faults: {
    halfSigner?: PreKeyPair;
    endorser?: SigningKey;
    transformTo?: PreKeyPair;
    deviceId?: string;
  } = {},
): Promise<DeviceRotationRequest> {
  const device_key = preToJwk(next.pre.publicKey);
  const to = preToJwk((faults.transformTo ?? next.pre).publicKey);
  const unproven = {
    device_key,
    endorsement: await endorse(faults.endorser ?? person.sig, statement, next),
    transform_key: encodeBase64url(await transformKeyTo(engine, person, to)),
  };
  const { iss, sub } = statement;
  const transcript = deviceRotationTranscript(
    { iss, sub, deviceId: faults.deviceId ?? who.deviceId },
    unproven,
  );
  const half = faults.halfSigner ?? next.pre;
  return {
    ...unproven,
    device_key_proof: encodeBase64url(engine.schnorrSign(half.privateKey, half.publicKey, transcript)),
  };
}
