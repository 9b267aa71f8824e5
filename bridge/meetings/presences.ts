import { CountersignError } from '../../protocol/errors.ts';
import type { LeftEvent, PresenceEvidence } from '../../protocol/meetings/api.ts';
import type { EventLog } from '../events/event-log.ts';
import { succeeded } from '../events/succeeded.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { MEETING_PARTICIPANTS, MEETING_PARTICIPANTS_OF_PARTNER } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Keyspace } from '../storage/cache.ts';
import type { Transaction } from '../storage/database.ts';
import { type Attendance, type Attendee, attendanceOf } from './attendance.ts';
import { isBelieved } from './believed-device.ts';
import type { MeetingChanges } from './meeting-changes.ts';
import { appendMessages, type Meeting } from './meeting-store.ts';
import { type NoteTold, noteMet } from './met-partners.ts';
import {
  countParticipants,
  deleteParticipant,
  findParticipant,
  type Participant,
  saveParticipant,
} from './participant-store.ts';
import type { Challenge, ProvingDevice } from './presence-evidence.ts';
import { createPresenceRate } from './presence-rate.ts';

export type LeavingReason = LeftEvent['reason'];

/** Who is present in the meetings that are kept here. */
export interface Presences {
  /**
   * Stores a verified presence and tells the admins. Answers its number. Throws `presence_mismatch` if another host
   * took over meanwhile, `device_not_endorsed` if it was removed, `rate_limited` for one device, or one proof of it, too many, and what `permit` and `attendanceOf` throw.
   */
  enter(entering: Entering, context: RequestContext): Promise<number>;
  /** Deletes presences and tells the admins; answers how many there were. */
  leave(
    group: string,
    devices: readonly Pick<Participant, 'iss' | 'device_id'>[],
    reason: LeavingReason,
    context: RequestContext,
  ): Promise<number>;
}

export interface Entering {
  readonly group: string;
  readonly device: ProvingDevice & Attendee;
  readonly evidence: PresenceEvidence;
  /** What the proof was verified against. */
  readonly challenge: Challenge;
  /** Whether somebody who is this there may enter: read again in the transaction. */
  readonly permit: (attendance: Attendance) => void;
}

export function createPresences(deps: {
  readonly iss: string;
  readonly changes: MeetingChanges;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly cache: Keyspace;
  readonly noteTold: NoteTold;
}): Presences {
  const { iss: home, changes, events, clock } = deps;
  const limitRate = createPresenceRate(deps.cache);

  async function assertMayEnter(tx: Transaction, meeting: Meeting, entering: Entering): Promise<void> {
    const { group, device, challenge, permit } = entering;
    permit(await attendanceOf(tx, group, device, { iss: home, now: seconds(clock) }));
    if (!(await isBelieved(tx, home, device))) throw new CountersignError('device_not_endorsed');
    if (meeting.term !== challenge.term) {
      throw new CountersignError('presence_mismatch', 'the proof is for an epoch of an earlier host');
    }
  }

  async function assertRoom(tx: Transaction, group: string, iss: string): Promise<void> {
    const most = iss === home ? MEETING_PARTICIPANTS : MEETING_PARTICIPANTS_OF_PARTNER;
    if ((await countParticipants(tx, group, iss)) < most) return;
    throw new CountersignError('rate_limited', `A meeting has ${most} devices of one company at most.`);
  }

  return {
    async enter(entering, context) {
      await limitRate(entering.group, entering.device);
      return changes.apply(entering.group, async (tx, meeting) => {
        const { group, device, evidence, challenge } = entering;
        const { iss, sub, deviceId, via } = device;
        await assertMayEnter(tx, meeting, entering);
        const before = await findParticipant(tx, group, device);
        if (before === undefined) await assertRoom(tx, group, iss);
        const after = await appendMessages(tx, meeting, [{ kind: 'presence', iss, deviceId, body: '{}' }]);
        const participant = { group_id: group, iss, device_id: deviceId, sub, via, seq: after.seq };
        await saveParticipant(tx, participant, evidence);
        if (before === undefined) {
          await noteMet(tx, { home, group, iss, address: evidence.address }, deps.noteTold);
          const subject = subjectOf(home, participant);
          const joined = { type: 'meeting.joined', subject, data: { epoch: challenge.epoch } } as const;
          await events.append(tx, succeeded(joined, context));
        }
        return { meeting: after, result: after.seq };
      });
    },

    leave: (group, devices, reason, context) =>
      changes.apply(group, async (tx, meeting) => {
        let after = meeting;
        let count = 0;
        for (const { iss, device_id: deviceId } of devices) {
          const participant = await findParticipant(tx, group, { iss, deviceId });
          if (participant === undefined) continue;
          const { sub } = participant;
          await deleteParticipant(tx, participant);
          const body = JSON.stringify({ iss, sub, device_id: deviceId, reason });
          after = await appendMessages(tx, after, [{ kind: 'left', iss, deviceId, body }]);
          const left = {
            type: 'meeting.left',
            subject: subjectOf(home, participant),
            data: { reason },
          } as const;
          await events.append(tx, succeeded(left, context));
          count += 1;
        }
        return { meeting: after, result: count };
      }),
  };
}

function subjectOf(home: string, { group_id: group, iss, sub, device_id: device }: Participant) {
  return { group, sub, device, ...(iss === home ? {} : { partner: iss }) };
}
