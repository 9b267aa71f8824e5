import { createEscrows, type Escrows } from '../../bridge/binding/escrows.ts';
import type { Holder } from '../../bridge/binding/holder.ts';
import { newId } from '../../bridge/lib/ids.ts';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import { type RecoveryKey, sealEscrow } from '../../client/escrow.ts';
import type { EnrolmentConfirmation } from '../../protocol/api.ts';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { exportSigningKey, type SigningKey, signBytes } from '../../protocol/ed25519.ts';
import { type RecoveryContext, type RecoveryRequest, recoveryTranscript } from '../../protocol/escrow/api.ts';
import type { Escrow } from '../../protocol/escrow/escrow-record.ts';
import { type KeyStatement, statementHash } from '../../protocol/key-statement.ts';
import { preToJwk } from '../../recrypt/encoding.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import type { BridgeParts } from '../fakes/bridge-parts.ts';
import {
  begin,
  type ClientDevice,
  type ClientPerson,
  confirmation,
  contextOf,
  type Enrolled,
  type Enrolling,
  endorse,
  holder,
  newDevice,
  transformKeyTo,
} from '../fakes/client-side.ts';

export function escrowsOf(parts: BridgeParts): Escrows {
  return createEscrows({ ...parts, cache: new MemoryCache({ clock: parts.clock }) });
}

/** A recovery key under no passphrase: the bridge never looks into what is wrapped. */
export function recoveryKey(engine: TransformEngine): RecoveryKey {
  return {
    recovery_key: preToJwk(engine.generateKeyPair().publicKey),
    wrapped: {
      derivation: { name: 'argon2id', passes: 3, memory: 65_536, lanes: 4, salt: 'A'.repeat(22) },
      nonce: 'A'.repeat(16),
      key: 'A'.repeat(64),
    },
  };
}

/** What a client escrows of these keys. */
export async function escrowOf(
  { engine }: BridgeParts,
  person: ClientPerson,
  statement: KeyStatement,
  key = recoveryKey(engine),
): Promise<Escrow> {
  const pre = encodeBase64url(person.half.privateKey);
  const vault = { v: 1 as const, pre, sig: await exportSigningKey(person.sig) };
  return sealEscrow(engine, { sig: person.sig, vault }, statement, key, statement.since);
}

/** Step 1 of an enrolment with an escrow. */
export function beginWithEscrow(parts: BridgeParts, sub: string): Promise<Enrolling> {
  return begin(parts, sub, { request: { escrow: 'passphrase' } });
}

/** Step 2 of one, with this escrow in the place of the honest one. */
export async function confirmWith(
  parts: BridgeParts,
  enrolling: Enrolling,
  changes: Pick<EnrolmentConfirmation, 'escrow'>,
) {
  const { who, offer } = enrolling;
  const sent = { ...(await confirmation(parts.engine, enrolling)), ...changes };
  const result = await parts.enrolments.confirm(who, offer.enrolment_id, sent, contextOf(who));
  return { sent, result };
}

export async function enrolWithEscrow(
  parts: BridgeParts,
  sub: string,
): Promise<Enrolled & { readonly escrow: Escrow }> {
  const enrolling = await beginWithEscrow(parts, sub);
  const escrow = await escrowOf(parts, enrolling.person, enrolling.offer.statement);
  const { sent, result } = await confirmWith(parts, enrolling, { escrow });
  return { ...enrolling, who: { ...enrolling.who, endorsed: true }, result, confirmation: sent, escrow };
}

/** What a test can have a recovering device do wrong; each part is consistent with the others otherwise. */
export interface RecoveryFaults {
  readonly proofSigner?: SigningKey;
  readonly proven?: Partial<RecoveryContext>;
  readonly endorser?: SigningKey;
  readonly transformTo?: ClientDevice;
  /** Changes the request after it was proven. */
  readonly edit?: Partial<RecoveryRequest>;
}

/** What a device sends that has the keys again. */
export async function recoveryBy(
  { engine, signer }: BridgeParts,
  { person, offer }: Pick<Enrolled, 'person' | 'offer'>,
  { who, device }: { who: Holder; device: ClientDevice },
  faults: RecoveryFaults = {},
): Promise<RecoveryRequest> {
  const { statement } = offer;
  const to = preToJwk((faults.transformTo ?? device).pre.publicKey);
  const request = {
    request_id: newId(),
    device_key: preToJwk(device.pre.publicKey),
    device_sig: device.sig.publicKey,
    label: device.label,
    endorsement: await endorse(faults.endorser ?? person.sig, statement, device),
    transform_key: encodeBase64url(await transformKeyTo(engine, person, to)),
  };
  const transcript = recoveryTranscript(
    {
      ...{ iss: signer.iss, sub: who.sub, accessTokenHash: who.accessTokenHash },
      ...{ statementHash: statementHash(statement), ...faults.proven },
    },
    request,
  );
  const sig_proof = await signBytes(faults.proofSigner ?? person.sig, transcript);
  return { ...request, sig_proof, ...faults.edit };
}

/** A device that has signed in, and nothing else. */
export async function strangerOf(parts: BridgeParts, sub: string, label = 'phone') {
  const device = await newDevice(parts.engine, label);
  return { device, who: holder(sub, device) };
}
