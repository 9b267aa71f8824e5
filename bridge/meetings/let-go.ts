import { findDevice } from '../directory/devices.ts';
import { findPartner } from '../federation/partner-store.ts';
import { findGroup, type Group } from '../groups/services.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { PAGE_ROWS } from '../lib/limits.ts';
import { SYSTEM } from '../lib/request-context.ts';
import type { Database, Query } from '../storage/database.ts';
import type { HomeMeetings } from './home-meetings.ts';
import type { MeetingChanges } from './meeting-changes.ts';
import { deleteMeeting, endedMeetings, endMeeting, openMeetings } from './meeting-store.ts';
import { type Participant, participantsOf, type Whose } from './participant-store.ts';
import type { LeavingReason, Presences } from './presences.ts';

/** Lets go of those who may not be in a meeting any more, and of meetings that are over. */
export interface LetGo {
  /** All of these presences. */
  all(whose: Whose, reason: LeavingReason): Promise<void>;
  /** Those of them whom the records of the group do not let in any more. */
  unlessAdmitted(whose: Whose): Promise<void>;
  /** Those of all presences that may not stay. */
  unless(mayStay: (participant: Participant) => Promise<boolean>): Promise<void>;
  /** The relay of a group that has ended. */
  end(group: string): Promise<void>;
  /** Ends relays of groups that have ended or whose time is over, and forgets those of groups that are; answers how many. */
  purge(): Promise<number>;
  /** Everything that happened while nobody looked. */
  reconcile(): Promise<void>;
}

export function createLetGo(deps: {
  readonly iss: string;
  readonly database: Database;
  readonly clock: Clock;
  readonly changes: MeetingChanges;
  readonly presences: Presences;
  readonly home: HomeMeetings;
}): LetGo {
  const { iss, database, changes, presences } = deps;

  /** Page by page, by meeting; `choose` says who is to go. */
  async function leave(
    whose: Whose,
    reason: LeavingReason,
    choose: (group: string, present: readonly Participant[]) => Promise<readonly Participant[]>,
  ): Promise<void> {
    for (let after: Participant | undefined; ; ) {
      const from = after;
      const page = await database.read((query) =>
        participantsOf(query, whose, { after: from, limit: PAGE_ROWS }),
      );
      for (const [group, present] of byMeeting(page)) {
        const leaving = await choose(group, present);
        if (leaving.length > 0) await presences.leave(group, leaving, reason, SYSTEM);
      }
      after = page.at(-1);
      if (page.length < PAGE_ROWS) return;
    }
  }

  async function refused(group: string, present: readonly Participant[]): Promise<Participant[]> {
    const roles = await deps.home.rolesOf(group, present);
    return present.filter((_, index) => roles[index] === 'none');
  }

  /** Whether the device is not there any more, or its bridge is not believed. */
  async function isGone(query: Query, { iss: from, sub, device_id }: Participant): Promise<boolean> {
    if (from === iss) return (await findDevice(query, device_id))?.sub !== sub;
    return (await findPartner(query, from))?.status !== 'active';
  }

  const end = (group: string) =>
    changes.apply(group, async (tx, meeting) => {
      const over = meeting.seq === 0 || meeting.status === 'ended';
      return { meeting: over ? meeting : await endMeeting(tx, meeting), result: undefined };
    });

  /** Does it for each of these meetings where that is due; answers for how many it was. */
  async function forEach(
    list: (query: Query, after: string, limit: number) => Promise<string[]>,
    act: (group: string, record: Group | undefined) => Promise<boolean>,
  ): Promise<number> {
    let done = 0;
    for (let after = ''; ; ) {
      const from = after;
      const page = await database.read((query) => list(query, from, PAGE_ROWS));
      for (const group of page) {
        const record = await database.read((query) => findGroup(query, group));
        if (await act(group, record)) done += 1;
      }
      after = page.at(-1) ?? after;
      if (page.length < PAGE_ROWS) return done;
    }
  }

  const endOverdue = () =>
    forEach(openMeetings, async (group, record) => {
      const now = seconds(deps.clock);
      if (record?.status === 'active' && (record.ends === null || record.ends > now)) return false;
      await end(group);
      return true;
    });

  const forgetEnded = () =>
    forEach(endedMeetings, async (group, record) => {
      if (record !== undefined) return false;
      await database.transaction((tx) => deleteMeeting(tx, group));
      return true;
    });

  return {
    end,
    purge: async () => (await endOverdue()) + (await forgetEnded()),
    all: (whose, reason) => leave(whose, reason, async (_group, present) => present),
    unlessAdmitted: (whose) => leave(whose, 'revoked', refused),

    unless: (mayStay) =>
      leave({}, 'revoked', async (_group, present) => {
        const not: Participant[] = [];
        for (const participant of present) if (!(await mayStay(participant))) not.push(participant);
        return not;
      }),

    async reconcile() {
      await endOverdue();
      await leave({}, 'revoked', async (group, present) => {
        const not = new Set(await refused(group, present));
        for (const participant of present) {
          if (await database.read((query) => isGone(query, participant))) not.add(participant);
        }
        return [...not];
      });
    },
  };
}

function byMeeting(page: readonly Participant[]): Map<string, Participant[]> {
  const meetings = new Map<string, Participant[]>();
  for (const participant of page) {
    const present = meetings.get(participant.group_id) ?? [];
    present.push(participant);
    meetings.set(participant.group_id, present);
  }
  return meetings;
}
