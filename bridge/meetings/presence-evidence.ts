import { verifyCredential } from '../../protocol/credential.ts';
import {
  type DeviceEndorsement,
  deviceEndorsementSchema,
  verifyDeviceBinding,
} from '../../protocol/device.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import type { PresenceEvidence } from '../../protocol/meetings/api.ts';
import { CHALLENGES_KEPT } from '../../protocol/meetings/limits.ts';
import { claimedRekey } from '../../protocol/meetings/rekey-message.ts';
import { type Presence, presenceSchema, verifyPresence } from '../../protocol/presence.ts';
import { readAccess } from '../binding/access.ts';
import type { Holder } from '../binding/holder.ts';
import type { Reader } from '../directory/handle.ts';
import { type Partner, trustedIssuer } from '../federation/partner-store.ts';
import type { FindSignerEvidence } from '../groups/services.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import type { Database } from '../storage/database.ts';
import { findMeeting, findRekeyOf } from './meeting-store.ts';

/** Whose presence it must be: of the very device that brings it, or that its own bridge names. */
export interface ProvingDevice {
  readonly iss: string;
  readonly sub: string;
  readonly deviceId: string;
}

/** What a proof of this epoch is held against. */
export interface Challenge {
  readonly term: number;
  readonly epoch: number;
  readonly challenge: string;
}

/** The epoch that a proof says it is for: attacker-controlled until it is verified. */
export function epochOf(proof: string): number {
  return decodeClaims(proof, 'presence+jwt', presenceSchema).epoch;
}

/**
 * What a proof of this epoch is to answer, while the host takes it. Throws `presence_mismatch` for an epoch that is none,
 * or of an earlier host.
 */
export async function challengeFor(reader: Reader, group: string, epoch: number): Promise<Challenge> {
  const meeting = await findMeeting(reader, group);
  const message = await findRekeyOf(reader, group, epoch);
  if (meeting === undefined || message === undefined || epoch <= meeting.epoch - CHALLENGES_KEPT) {
    throw new CountersignError('presence_mismatch', 'the proof is for no epoch that the host takes');
  }
  const { claims } = claimedRekey(rekeyTokenOf(message.body));
  if (claims.term !== meeting.term) {
    throw new CountersignError('presence_mismatch', 'the proof is for an epoch of an earlier host');
  }
  return { term: claims.term, epoch, challenge: claims.challenge };
}

/** The token in a stored rekey message: our own writing, of what was verified before. */
function rekeyTokenOf(body: string): string {
  const parsed: unknown = JSON.parse(body);
  const named = typeof parsed === 'object' && parsed !== null && 'token' in parsed ? parsed.token : undefined;
  if (typeof named !== 'string') throw new CountersignError('internal');
  return named;
}

/** Refuses a proof of anybody else: a relayed one. Throws `presence_mismatch`. */
export function assertOwn(claims: Pick<Presence, 'iss' | 'sub' | 'device_id'>, device: ProvingDevice): void {
  if (claims.iss !== device.iss || claims.sub !== device.sub || claims.device_id !== device.deviceId) {
    throw new CountersignError('presence_mismatch', 'the proof is another device’s');
  }
}

/**
 * The presence of a device of ours, with evidence from our own records in the place of what it brought. The proof must
 * be signed by the asking device; what it answers is held against the meeting by its home. Throws `presence_mismatch`,
 * `device_not_endorsed`, and what verifying throws.
 */
export async function ownPresence(
  deps: {
    readonly database: Database;
    readonly clock: Clock;
    readonly iss: string;
    readonly findEvidence: FindSignerEvidence;
  },
  who: Holder,
  proof: string,
  expected: { readonly aud: string; readonly meeting: string } & Partial<Challenge>,
): Promise<PresenceEvidence> {
  const claims = decodeClaims(proof, 'presence+jwt', presenceSchema);
  assertOwn(claims, { iss: deps.iss, sub: who.sub, deviceId: who.deviceId });
  const endorsement = await ownEndorsement(deps.database, who);
  const { epoch = claims.epoch, challenge = claims.challenge } = expected;
  const answered = { aud: expected.aud, meeting: expected.meeting, epoch, challenge };
  await verifyPresence(proof, endorsement, answered, seconds(deps.clock));
  const evidence = await deps.findEvidence(who.sub, who.deviceId);
  if (evidence === undefined) throw new CountersignError('device_not_endorsed');
  return { ...evidence, proof };
}

/** What the person's keys say of the device that asks, by our own records. Throws `device_not_endorsed`. */
export async function ownEndorsement(database: Database, who: Holder): Promise<DeviceEndorsement> {
  const { device } = await database.read((query) => readAccess(query, who));
  return decodeClaims(device.endorsement, 'device-endorsement+jwt', deviceEndorsementSchema);
}

/**
 * Verifies the presence of a partner's device under the partner's pinned record, as every participant will again.
 * Throws `presence_mismatch`, `domain_not_approved` and what the parts throw.
 */
export async function verifyPartnerPresence(
  partner: Partner,
  device: ProvingDevice,
  evidence: PresenceEvidence,
  expected: { readonly aud: string; readonly meeting: string } & Challenge,
  now: number,
): Promise<void> {
  const endorsed = await partnerEndorsement(partner, evidence, now);
  const { aud, meeting, epoch, challenge } = expected;
  const claims = await verifyPresence(evidence.proof, endorsed, { aud, meeting, epoch, challenge }, now);
  assertOwn(claims, device);
}

/** Whose device it is, by what a partner shows of it. Throws `domain_not_approved` and what the parts throw. */
export async function partnerEndorsement(
  partner: Partner,
  { address, credential, device_binding: binding }: Omit<PresenceEvidence, 'proof' | 'renewal'>,
  now: number,
): Promise<DeviceEndorsement> {
  const { log_proof: _proof, ...signed } = credential;
  const policy = { level: 'signed', maxAge: Number.MAX_SAFE_INTEGER } as const;
  const context = { issuer: trustedIssuer(partner), now, leastSerial: partner.serial, policy };
  const { onlineKeys, statement } = await verifyCredential(signed, address, context);
  return verifyDeviceBinding(binding, onlineKeys, statement, now);
}
