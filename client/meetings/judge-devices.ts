import { CountersignError } from '../../protocol/errors.ts';
import { CLOCK_SKEW } from '../../protocol/jws.ts';
import type { Device } from '../../protocol/meetings/roster.ts';
import type { Candidate } from './candidates.ts';
import type { ExpectedPlace, JudgedPresence, PlaceOf, PresentPerson } from './judge-presences.ts';
import { judgeWithRecords } from './judge-with-records.ts';
import type { Participant } from './meeting.ts';
import { describePresent, describeRefused } from './participants.ts';
import type { Session } from './session.ts';

/** A device of the meeting, by the evidence of its presence. */
export interface JudgedDevice {
  readonly participant: Participant;
  /** For an admission policy to judge; null where the evidence does not verify. */
  readonly candidate: Candidate | null;
  /** When the evidence ends, seconds; 0 where it does not verify. */
  readonly until: number;
}

/** Fetches the evidence of these devices, `ROSTER_DEVICES` at most, and verifies it. In their order. */
export async function judgeDevices(session: Session, devices: readonly Device[]): Promise<JudgedDevice[]> {
  if (devices.length === 0) return [];
  const { parts } = session;
  const { participants } = await parts.relay.roster(devices.map(({ device_id }) => device_id));
  const judged = await judgeWithRecords(parts, participants, (claims) => placeOf(session, claims));
  const byDevice = new Map(participants.map(({ device_id }, index) => [device_id, judged[index]]));
  return devices.map((device) => describe(device, byDevice.get(device.device_id)));
}

export function candidateFrom({ person, presence }: PresentPerson): Candidate {
  const { address, level, statement } = person;
  const { iss, sub, iat: provenAt } = presence;
  return { iss, sub, address, assurance: statement.assurance, level, provenAt };
}

function describe(device: Device, judged: JudgedPresence | undefined): JudgedDevice {
  const refused = (error: CountersignError) => ({
    participant: describeRefused(device, error),
    ...{ candidate: null, until: 0 },
  });
  if (judged === undefined) {
    return refused(new CountersignError('bridge_invalid', 'the bridge shows no evidence of this device'));
  }
  if (!judged.ok) return refused(judged.error);
  const { iss, sub, device_id } = judged.presence;
  if (iss !== device.iss || sub !== device.sub || device_id !== device.device_id) {
    return refused(new CountersignError('presence_mismatch', 'the proof is of another device'));
  }
  return {
    ...{ participant: describePresent(judged), candidate: candidateFrom(judged) },
    until: judged.until,
  };
}

/** A proof lives two minutes and is looked at later: it must have been alive when it was made, for this meeting. */
function placeOf(session: Session, { epoch, challenge, iat }: Parameters<PlaceOf>[0]): ExpectedPlace {
  const { context, group } = session.parts;
  const newest = session.head?.claims.epoch ?? 0;
  if (epoch > newest || iat > context.now() + CLOCK_SKEW) {
    throw new CountersignError('presence_mismatch', 'the proof is for an epoch that was not yet');
  }
  const known = session.challengeOf(epoch) ?? challenge;
  return { aud: group.iss, meeting: group.group, epoch, challenge: known, at: iat };
}
