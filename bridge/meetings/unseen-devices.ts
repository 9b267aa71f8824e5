import { groupsOfPerson } from '../groups/services.ts';
import type { Database, Query } from '../storage/database.ts';
import { meetingsWith } from './group-news.ts';
import type { MeetingChanges } from './meeting-changes.ts';
import { appendMessages } from './meeting-store.ts';

/** A device of ours that was removed. */
export interface RemovedDevice {
  /** Of the event that says so. */
  readonly seq: number;
  readonly sub: string;
  readonly deviceId: string;
  /** Meetings here in which it was present: there its host has heard that it left. */
  readonly presentIn: ReadonlySet<string>;
}

/**
 * Tells the hosts of all other meetings here that let its person in: the device may have opened the key and never shown
 * itself, and to begin an epoch takes no proof. Once for all replicas, behind what the same events say of groups.
 */
export async function tellOfUnseen(
  deps: { readonly iss: string; readonly database: Database; readonly changes: MeetingChanges },
  { seq, sub, deviceId, presentIn }: RemovedDevice,
): Promise<void> {
  const { iss, database, changes } = deps;
  for (const meeting of await database.read((query) => meetingsOf(query, { iss, sub }))) {
    await changes.apply(meeting, async (tx, before) => {
      const known = before.seq === 0 || before.status === 'ended' || before.told >= seq;
      if (known) return { meeting: before, result: undefined };
      const body = JSON.stringify({ iss, sub, device_id: deviceId, reason: 'revoked' });
      const left = { kind: 'left', iss, deviceId, body } as const;
      const messages = presentIn.has(meeting) ? [] : [left];
      return { meeting: await appendMessages(tx, before, messages, { told: seq }), result: undefined };
    });
  }
}

/** Open meetings here that the person is in, by themselves or by a durable group. */
async function meetingsOf(query: Query, person: { readonly iss: string; readonly sub: string }) {
  const meetings = new Set<string>();
  for (const group of await groupsOfPerson(query, person)) {
    for (const meeting of await meetingsWith(query, { iss: person.iss, group })) meetings.add(meeting);
  }
  return meetings;
}
