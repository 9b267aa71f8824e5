import type { DeviceEndorsement } from '../../protocol/device.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import type { PresenceEvidence } from '../../protocol/meetings/api.ts';
import { presenceSchema } from '../../protocol/presence.ts';
import {
  type PresenceRenewal,
  presenceRenewalSchema,
  verifyPresenceRenewal,
} from '../../protocol/presence-renewal.ts';
import type { Reader } from '../directory/handle.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import type { Keyspace } from '../storage/cache.ts';
import type { Database } from '../storage/database.ts';
import { type Attendance, type Attendee, attendanceOf } from './attendance.ts';
import { isBelieved } from './believed-device.ts';
import { findEvidence, replaceEvidence } from './participant-store.ts';
import { assertOwn, type Challenge, challengeFor, type ProvingDevice } from './presence-evidence.ts';
import { createPresenceRate } from './presence-rate.ts';

/** What a device shows again: the renewal, and what it and the proof before rest on from now on. */
export type RenewedEvidence = Omit<PresenceEvidence, 'proof' | 'renewal'> & { readonly renewal: string };

export interface Renewing {
  readonly group: string;
  readonly device: ProvingDevice & Attendee;
  readonly evidence: RenewedEvidence;
  /** What the evidence says of the device, verified. */
  readonly endorsement: DeviceEndorsement;
  /** Whether somebody who is this there may be there: read again in the transaction. */
  readonly permit: (attendance: Attendance) => void;
}

/**
 * Puts fresh evidence in the place of what stands with a presence in a meeting that is kept here. It makes nobody
 * present who is not: whoever was let go is refused. Throws `presence_mismatch` (also for who is not present),
 * `replayed` for a renewal that is not newer, `device_not_endorsed`, `rate_limited`, `conflict`, and what `permit`,
 * `attendanceOf` and `verifyPresenceRenewal` throw.
 */
export type RenewPresence = (renewing: Renewing) => Promise<void>;

export function createRenewPresence(deps: {
  readonly iss: string;
  readonly database: Database;
  readonly clock: Clock;
  readonly cache: Keyspace;
}): RenewPresence {
  const { iss: home, database, clock } = deps;
  const limitRate = createPresenceRate(deps.cache);

  async function assertMayStay(reader: Reader, { group, device, permit }: Renewing): Promise<void> {
    permit(await attendanceOf(reader, group, device, { iss: home, now: seconds(clock) }));
    if (!(await isBelieved(reader, home, device))) throw new CountersignError('device_not_endorsed');
  }

  async function read(renewing: Renewing, { epoch }: PresenceRenewal) {
    const { group, device } = renewing;
    return database.read(async (query) => {
      await assertMayStay(query, renewing);
      const before = await findEvidence(query, group, device);
      if (before === undefined) throw new CountersignError('presence_mismatch', 'the device is not present');
      return { before, challenge: await challengeFor(query, group, epoch) };
    });
  }

  async function verify(
    { evidence: { renewal }, endorsement }: Renewing,
    { proof }: PresenceEvidence,
    { epoch, challenge }: Challenge,
  ): Promise<void> {
    // It was verified before it was stored.
    const presence = decodeClaims(proof, 'presence+jwt', presenceSchema);
    await verifyPresenceRenewal(renewal, endorsement, { proof, presence, epoch, challenge }, seconds(clock));
  }

  return async (renewing) => {
    const { group, device, evidence } = renewing;
    await limitRate(group, device);
    const claims = claimedRenewal(evidence.renewal);
    assertOwn(claims, device);
    const { before, challenge } = await read(renewing, claims);
    await verify(renewing, before.evidence, challenge);
    // The same again, where an answer was lost, is kept with what it rests on now: whose end is answered.
    if (before.evidence.renewal !== evidence.renewal) assertNewer(claims, before.evidence);
    await database.transaction(async (tx) => {
      await assertMayStay(tx, renewing);
      const after = { ...evidence, proof: before.evidence.proof };
      if (await replaceEvidence(tx, { group, ...device }, before.stored, after)) return;
      throw new CountersignError('conflict', 'The presence was changed meanwhile.');
    });
  };
}

/** What a renewal says: attacker-controlled until it is verified. */
export function claimedRenewal(renewal: string): PresenceRenewal {
  return decodeClaims(renewal, 'presence-renewal+jwt', presenceRenewalSchema);
}

function assertNewer({ iat }: PresenceRenewal, { renewal }: PresenceEvidence): void {
  if (renewal !== undefined && iat <= claimedRenewal(renewal).iat) throw new CountersignError('replayed');
}
