import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { endOfEvidence } from '../../protocol/groups/signer-evidence.ts';
import type { MeetingStreamRequest, PresenceEvidence } from '../../protocol/meetings/api.ts';
import { readAccess } from '../binding/access.ts';
import { noteNewerSignIn } from '../binding/device-sign-ins.ts';
import type { Holder } from '../binding/holder.ts';
import { askingPerson } from '../binding/permission.ts';
import { findPartner } from '../federation/partner-store.ts';
import type { FindSignerEvidence } from '../groups/services.ts';
import type { Clock } from '../lib/clock.ts';
import type { Decide } from '../policy/decision.ts';
import type { Database } from '../storage/database.ts';
import { type Attendance, requireAttendance, requireForeignAttendance } from './attendance.ts';
import type { Departures } from './departures.ts';
import { type ForeignCalls, isRefusal } from './foreign-calls.ts';
import type { Asking, HomeMeetings } from './home-meetings.ts';
import { assertOwn, challengeFor, epochOf, ownEndorsement, ownPresence } from './presence-evidence.ts';
import type { LimitPresences } from './presence-rate.ts';
import { claimedRenewal, type RenewPresence } from './presence-renewals.ts';
import type { Presences } from './presences.ts';
import type { MeetingName } from './rechecks.ts';
import type { Meetings } from './services.ts';
import type { Told } from './told-messages.ts';

/** What people of ours ask: of the records here, or of the bridge that keeps the meeting. */
export type OwnPeople = Pick<Meetings, 'state' | 'members' | 'roster' | 'present' | 'renew' | 'leave'> & {
  /** A stream that may begin. */
  open(who: Holder, body: MeetingStreamRequest): Promise<Told>;
};

export interface OwnPeopleDeps {
  readonly iss: string;
  readonly database: Database;
  readonly clock: Clock;
  readonly decide: Decide;
  readonly findEvidence: FindSignerEvidence;
  readonly home: HomeMeetings;
  readonly presences: Presences;
  readonly renewPresence: RenewPresence;
  /** For meetings of partners, which are not to be asked for more than they take. */
  readonly limitPresences: LimitPresences;
  readonly calls: ForeignCalls;
  readonly departures: Departures;
  readonly open: OwnPeople['open'];
}

export function createOwnPeople(deps: OwnPeopleDeps): OwnPeople {
  const { iss, database, decide, home, presences, calls, departures } = deps;

  function askingOf(who: Holder, group: string): Asking {
    return { group, person: { iss, sub: who.sub, via: [] }, asker: askingPerson(who, deps.clock) };
  }

  /** Only a device that is endorsed now may ask at all; of a meeting at a partner, that one decides the rest. */
  async function admit(
    who: Holder,
    meeting: { readonly iss: string; readonly group: string },
  ): Promise<void> {
    await database.read((query) => readAccess(query, who));
    if (meeting.iss !== iss) requireForeignAttendance(decide, askingPerson(who, deps.clock), meeting.group);
  }

  /** A restriction finds the device from before its home hears of it; one in between is found here. */
  async function presentAbroad(
    who: Holder,
    meeting: MeetingName,
    evidence: PresenceEvidence,
  ): Promise<number> {
    const { deviceId } = who;
    const isPartner = await database.read(
      async (query) => (await findPartner(query, meeting.home))?.status === 'active',
    );
    const isNew = isPartner && (await departures.note(meeting, who));
    try {
      return await calls.present(meeting, who, evidence);
    } catch (error) {
      if (isNew && isRefusal(error)) await departures.forget(meeting, deviceId);
      throw error;
    } finally {
      if (isPartner && !(await isStillOurs(who))) {
        await departures.note(meeting, who);
        await departures.dismiss({ deviceId }, meeting);
      }
    }
  }

  async function isStillOurs(who: Holder): Promise<boolean> {
    try {
      await database.read((query) => readAccess(query, who));
      return true;
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      return false;
    }
  }

  const isHere = (meeting: { readonly iss: string }) => meeting.iss === iss;
  const nameOf = ({ iss: at, group }: { readonly iss: string; readonly group: string }) => ({
    ...{ home: at, group },
  });

  return {
    // Where every device begins that enters a meeting, which may ask how its person signed in.
    async state(who, meeting) {
      await admit(who, meeting);
      await noteNewerSignIn(database, who);
      if (isHere(meeting)) return home.state(askingOf(who, meeting.group));
      return calls.state(nameOf(meeting), who.sub);
    },

    async members(who, body) {
      await admit(who, body);
      if (isHere(body)) return home.members(askingOf(who, body.group), body.after);
      return calls.members(nameOf(body), who.sub, body.after);
    },

    async roster(who, body) {
      await admit(who, body);
      if (isHere(body)) return home.roster(askingOf(who, body.group), body.devices);
      return calls.roster(nameOf(body), who.sub, body.devices);
    },

    async present(who, upload, context) {
      const { group, proof } = upload;
      await admit(who, upload);
      const expected = { aud: upload.iss, meeting: group };
      if (!isHere(upload)) {
        await deps.limitPresences(group, { iss, sub: who.sub, deviceId: who.deviceId });
        const evidence = await ownPresence(deps, who, proof, expected);
        return presentAbroad(who, nameOf(upload), evidence);
      }
      const asking = askingOf(who, group);
      const challenge = await database.read(async (query) => {
        await home.require(query, asking);
        return challengeFor(query, group, epochOf(proof));
      });
      const evidence = await ownPresence(deps, who, proof, { ...expected, ...challenge });
      const device = { iss, sub: who.sub, deviceId: who.deviceId, via: [] };
      const permit = (attendance: Attendance) => requireAttendance(decide, asking.asker, attendance);
      return presences.enter({ group, device, evidence, challenge, permit }, context);
    },

    async renew(who, { iss: at, group, renewal }) {
      await admit(who, { iss: at, group });
      const { sub, deviceId } = who;
      const device = { iss, sub, deviceId, via: [] };
      if (!isHere({ iss: at })) await deps.limitPresences(group, device);
      const shown = await deps.findEvidence(sub, deviceId);
      if (shown === undefined) throw new CountersignError('device_not_endorsed');
      const evidence = { ...shown, renewal };
      if (!isHere({ iss: at })) {
        assertOwn(claimedRenewal(renewal), device);
        await calls.renew({ home: at, group }, who, evidence);
        return endOfEvidence(shown);
      }
      const { asker } = askingOf(who, group);
      const permit = (attendance: Attendance) => requireAttendance(decide, asker, attendance);
      const endorsement = await ownEndorsement(database, who);
      await deps.renewPresence({ group, device, evidence, endorsement, permit });
      return endOfEvidence(shown);
    },

    async leave(who, meeting, context) {
      await admit(who, meeting);
      if (!isHere(meeting)) {
        await calls.leave(nameOf(meeting), who.deviceId, 'left');
        await departures.forget(nameOf(meeting), who.deviceId);
        return;
      }
      await presences.leave(meeting.group, [{ iss, device_id: who.deviceId }], 'left', context);
    },

    async open(who, body) {
      await admit(who, body);
      return deps.open(who, body);
    },
  };
}
