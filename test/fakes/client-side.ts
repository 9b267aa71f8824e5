import type { Holder } from '../../bridge/binding/holder.ts';
import { newHandle, newId } from '../../bridge/lib/ids.ts';
import type { RequestContext } from '../../bridge/lib/request-context.ts';
import type {
  DeviceApproval,
  EnrolmentConfirmation,
  EnrolmentOffer,
  EnrolmentRequest,
  EnrolmentResult,
} from '../../protocol/api.ts';
import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import { concatBytes } from '../../protocol/bytes.ts';
import { type DeviceEndorsement, signDeviceEndorsement } from '../../protocol/device.ts';
import { exportSigningKey, generateSigningKey, type SigningKey, signBytes } from '../../protocol/ed25519.ts';
import {
  type KeyStatement,
  signedStatementBytes,
  signStatement,
  statementHash,
} from '../../protocol/key-statement.ts';
import type { EncryptionKey } from '../../protocol/public-key.ts';
import {
  confirmationTranscript,
  type EnrolmentTranscript,
  enrolmentTranscript,
} from '../../protocol/transcript.ts';
import { encodeVault, vaultContext } from '../../protocol/vault.ts';
import { encodeTransformKey, preFromJwk, preToJwk } from '../../recrypt/encoding.ts';
import { sealTo } from '../../recrypt/sealed-box.ts';
import type { PreKeyPair, TransformEngine } from '../../recrypt/transform-engine.ts';
import type { BridgeParts } from './bridge-parts.ts';

/** The keys of a device, private halves included, as a client holds them. */
export interface ClientDevice {
  readonly pre: PreKeyPair;
  readonly sig: SigningKey;
  readonly label: string;
}

/** The private halves of a person: u and `sig`. */
export interface ClientPerson {
  readonly half: PreKeyPair;
  readonly sig: SigningKey;
}

export async function newDevice(engine: TransformEngine, label = 'laptop'): Promise<ClientDevice> {
  return { pre: engine.generateKeyPair(), sig: await generateSigningKey(false), label };
}

export async function newPerson(engine: TransformEngine): Promise<ClientPerson> {
  return { half: engine.generateKeyPair(), sig: await generateSigningKey(true) };
}

/** Who holds a token bound to this device's key. */
export function holder(sub: string, device: ClientDevice, changes: Partial<Holder> = {}): Holder {
  return {
    sub,
    deviceId: device.sig.kid,
    endorsed: false,
    assurance: 'member',
    connectionId: 'connection-1',
    signIn: { protocol: 'oidc', acr: null, amr: ['pwd'], authTime: 1_763_800_000 },
    accessTokenHash: newHandle(),
    ...changes,
  };
}

export function contextOf(who: Holder): RequestContext {
  return { requestId: newId(), actor: { kind: 'person', sub: who.sub, device: who.deviceId } };
}

export function enrolmentRequest(
  person: ClientPerson,
  device: ClientDevice,
  changes: Partial<EnrolmentRequest> = {},
): EnrolmentRequest {
  return {
    request_id: newId(),
    client_half: preToJwk(person.half.publicKey),
    sig: person.sig.publicKey,
    device_key: preToJwk(device.pre.publicKey),
    device_sig: device.sig.publicKey,
    device_label: device.label,
    ...changes,
  };
}

/** One enrolment as its client knows it. */
export interface Enrolling {
  readonly who: Holder;
  readonly person: ClientPerson;
  readonly device: ClientDevice;
  readonly request: EnrolmentRequest;
  readonly offer: EnrolmentOffer;
}

export function transcriptMembers({ who, request, offer }: Enrolling): EnrolmentTranscript {
  return {
    iss: offer.iss,
    accessTokenHash: who.accessTokenHash,
    nonce: offer.nonce,
    enrolmentId: offer.enrolment_id,
    requestId: request.request_id,
    clientHalf: request.client_half,
    share: offer.share,
    personKey: offer.person_key,
    sig: request.sig,
    deviceKey: request.device_key,
    deviceSig: request.device_sig,
    policyHash: offer.policy_hash,
    statementHash: statementHash(offer.statement),
  };
}

/** What a test can have the client do wrong; each part is consistent with the others otherwise. */
export interface ConfirmationFaults {
  readonly transcript?: Partial<EnrolmentTranscript>;
  readonly statement?: Partial<KeyStatement>;
  readonly endorsement?: Partial<DeviceEndorsement>;
  readonly endorser?: SigningKey;
  readonly transformTo?: EncryptionKey;
  readonly transformSigner?: SigningKey;
  /** Edits the encoded transform key before it is hashed. */
  readonly editTransformKey?: (bytes: Uint8Array) => Uint8Array;
  readonly vault?: Uint8Array;
  readonly halfSigner?: PreKeyPair;
  readonly proofSigner?: SigningKey;
}

export async function confirmation(
  engine: TransformEngine,
  enrolling: Enrolling,
  faults: ConfirmationFaults = {},
): Promise<EnrolmentConfirmation> {
  const { person, device, offer } = enrolling;
  const statement = { ...offer.statement, ...faults.statement };
  const signatures = [await signStatement(person.sig, statement)] as const;
  const edit = faults.editTransformKey ?? ((bytes: Uint8Array) => bytes);
  const transformKey = edit(
    await transformKeyTo(
      engine,
      person,
      faults.transformTo ?? preToJwk(device.pre.publicKey),
      faults.transformSigner,
    ),
  );
  const vault = faults.vault ?? (await sealVault(engine, person, offer.statement));
  const transcript = confirmationTranscript(
    enrolmentTranscript({ ...transcriptMembers(enrolling), ...faults.transcript }),
    {
      signedStatement: signedStatementBytes({ statement, signatures: [...signatures] }),
      transformKey,
      vault,
    },
  );
  const half = faults.halfSigner ?? person.half;
  return {
    statement_signature: signatures[0],
    client_half_proof: encodeBase64url(engine.schnorrSign(half.privateKey, half.publicKey, transcript)),
    sig_proof: await signBytes(faults.proofSigner ?? person.sig, transcript),
    transform_key: encodeBase64url(transformKey),
    endorsement: await endorse(faults.endorser ?? person.sig, statement, device, faults.endorsement),
    vault: encodeBase64url(vault),
  };
}

/** u→D, signed with `sig` (or, as a fault, with another key). */
export async function transformKeyTo(
  engine: TransformEngine,
  person: ClientPerson,
  deviceKey: EncryptionKey,
  signer: SigningKey = person.sig,
): Promise<Uint8Array> {
  const { d, x } = await exportSigningKey(signer);
  const signingKey = concatBytes(decodeBase64url(d, 32), decodeBase64url(x, 32));
  const to = preFromJwk(engine, deviceKey);
  return encodeTransformKey(engine.generateTransformKey(person.half.privateKey, to, signingKey));
}

export async function sealVault(
  engine: TransformEngine,
  person: ClientPerson,
  statement: KeyStatement,
): Promise<Uint8Array> {
  const content = encodeVault({
    v: 1,
    pre: encodeBase64url(person.half.privateKey),
    sig: await exportSigningKey(person.sig),
  });
  return sealTo(engine, preFromJwk(engine, statement.keys[0]), content, vaultContext(statement));
}

export async function endorse(
  signer: SigningKey,
  statement: KeyStatement,
  device: ClientDevice,
  changes: Partial<DeviceEndorsement> = {},
): Promise<string> {
  return signDeviceEndorsement(signer, {
    iss: statement.iss,
    sub: statement.sub,
    device_id: device.sig.kid,
    keys: [preToJwk(device.pre.publicKey), device.sig.publicKey],
    key_version: statement.key_version,
    iat: statement.since,
    ...changes,
  });
}

/** What an approving device sends for a new one. */
export async function approval(
  engine: TransformEngine,
  person: ClientPerson,
  statement: KeyStatement,
  device: ClientDevice,
): Promise<DeviceApproval> {
  return {
    endorsement: await endorse(person.sig, statement, device),
    transform_key: encodeBase64url(await transformKeyTo(engine, person, preToJwk(device.pre.publicKey))),
  };
}

/** Step 1. */
export async function begin(
  parts: BridgeParts,
  sub: string,
  changes: { who?: Partial<Holder>; request?: Partial<EnrolmentRequest> } = {},
): Promise<Enrolling> {
  const person = await newPerson(parts.engine);
  const device = await newDevice(parts.engine);
  const who = holder(sub, device, changes.who);
  const request = enrolmentRequest(person, device, changes.request);
  const offer = await parts.enrolments.offer(who, request, contextOf(who));
  return { who, person, device, request, offer };
}

/** An enrolled person, on the device that they enrolled with. */
export interface Enrolled extends Enrolling {
  readonly result: EnrolmentResult;
  readonly confirmation: EnrolmentConfirmation;
}

/** Both steps; the holder is an endorsed one from then on. */
export async function enrol(
  parts: BridgeParts,
  sub: string,
  changes: Parameters<typeof begin>[2] = {},
): Promise<Enrolled> {
  const enrolling = await begin(parts, sub, changes);
  const { who, offer } = enrolling;
  const sent = await confirmation(parts.engine, enrolling);
  const result = await parts.enrolments.confirm(who, offer.enrolment_id, sent, contextOf(who));
  return { ...enrolling, who: { ...who, endorsed: true }, result, confirmation: sent };
}
