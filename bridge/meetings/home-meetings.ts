import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import type { MeetingMembers, MeetingRoster, MeetingState } from '../../protocol/meetings/api.ts';
import { MEMBERS_PAGE } from '../../protocol/meetings/limits.ts';
import { claimedRekey } from '../../protocol/meetings/rekey-message.ts';
import type { AskingParty } from '../binding/permission.ts';
import type { Reader } from '../directory/handle.ts';
import type { FindSignerEvidence } from '../groups/services.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import type { Decide } from '../policy/decision.ts';
import type { Database } from '../storage/database.ts';
import { type Attendee, attendanceOf, type Role, requireAttendance } from './attendance.ts';
import { findMeeting } from './meeting-store.ts';
import { evidenceOf } from './participant-store.ts';
import { placesAbove } from './place-store.ts';

/** Who asks about a meeting that is kept here, and for whom: a person of ours, or a partner for one of its own. */
export interface Asking {
  readonly group: string;
  readonly person: Attendee;
  readonly asker: AskingParty;
}

/** How far the messages of a meeting are, and what somebody is in it. */
export interface Admission {
  readonly role: Role;
  readonly head: number;
  readonly pruned: number;
}

/**
 * What stands in the records of the meetings that are kept here, for whoever takes part: it is read for each request.
 * All throw `group_unknown` (to whoever takes no part, too), `group_ended`, `group_excluded`, `forbidden`.
 */
export interface HomeMeetings {
  /** Decides whether somebody may be there, by committed state or in a transaction. */
  require(reader: Reader, asking: Asking): Promise<Role>;
  /** The same for a stream from `since` on. Throws also `meeting_missed` where that is not kept any more. */
  admit(asking: Asking, since: number): Promise<Admission>;
  /** What each of them is there; `none` for those whom the records do not let in. */
  rolesOf(group: string, people: readonly Attendee[]): Promise<Role[]>;
  /** Whether the records and policy let somebody be there now. Throws `policy_unavailable`. */
  permits(asking: Asking): Promise<boolean>;
  state(asking: Asking): Promise<MeetingState>;
  members(asking: Asking, after: number | undefined): Promise<MeetingMembers>;
  roster(asking: Asking, devices: readonly string[]): Promise<MeetingRoster>;
}

export function createHomeMeetings(deps: {
  readonly iss: string;
  readonly database: Database;
  readonly clock: Clock;
  readonly decide: Decide;
  readonly findEvidence: FindSignerEvidence;
}): HomeMeetings {
  const { iss, database, clock, decide } = deps;
  const here = () => ({ iss, now: seconds(clock) });

  async function require(reader: Reader, { group, person, asker }: Asking): Promise<Role> {
    const attendance = await attendanceOf(reader, group, person, here());
    requireAttendance(decide, asker, attendance);
    return attendance.role;
  }

  function reading<T>(asking: Asking, read: (reader: Reader, role: Role) => Promise<T>): Promise<T> {
    return database.read(async (query) => read(query, await require(query, asking)));
  }

  return {
    require,

    admit: (asking, since) =>
      reading(asking, async (reader, role) => {
        const { seq = 0, pruned = 0 } = (await findMeeting(reader, asking.group)) ?? {};
        if (since < pruned || since > seq) throw new CountersignError('meeting_missed');
        return { role, head: seq, pruned };
      }),

    rolesOf: (group, people) =>
      database.read(async (query) => {
        const roles: Role[] = [];
        for (const person of people) {
          try {
            roles.push((await attendanceOf(query, group, person, here())).role);
          } catch (error) {
            if (!isCountersignError(error) || !REFUSALS.has(error.code)) throw error;
            roles.push('none');
          }
        }
        return roles;
      }),

    async permits(asking) {
      try {
        await database.read((query) => require(query, asking));
        return true;
      } catch (error) {
        if (isCountersignError(error, 'forbidden')) return false;
        if (isCountersignError(error) && REFUSALS.has(error.code)) return false;
        throw error;
      }
    },

    async state(asking) {
      const meeting = await reading(asking, (reader) => findMeeting(reader, asking.group));
      const { rekey = null, admission = null, seq = 0 } = meeting ?? {};
      const { host_sub: sub = null, host_device: device = null } = meeting ?? {};
      const signer = sub === null || device === null ? undefined : await deps.findEvidence(sub, device);
      return {
        rekey,
        key_id: rekey === null ? null : claimedRekey(rekey).claims.key_id,
        ...(admission === null ? {} : { admission }),
        signers: signer === undefined ? [] : [signer],
        seq,
      };
    },

    // Of one moment: the members are held against the root in that message.
    members: (asking, after) =>
      database.transaction(async (tx) => {
        await require(tx, asking);
        const meeting = await findMeeting(tx, asking.group);
        const members = await placesAbove(tx, asking.group, after ?? -1, MEMBERS_PAGE);
        return { rekey: meeting?.head ?? null, members };
      }),

    roster: (asking, devices) =>
      reading(asking, async (reader) => {
        const found = await evidenceOf(reader, asking.group, devices);
        return { participants: found.map(({ device_id, evidence }) => ({ device_id, ...evidence })) };
      }),
  };
}

const REFUSALS = new Set<string>(['group_unknown', 'group_ended', 'group_excluded']);
