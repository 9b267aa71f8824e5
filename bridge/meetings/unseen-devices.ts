import type { StoredEvent } from '../events/event.ts';
import { groupsOfPerson } from '../groups/services.ts';
import { PAGE_ROWS } from '../lib/limits.ts';
import type { Database, Query, Transaction } from '../storage/database.ts';
import { meetingsWith } from './group-news.ts';
import type { NewMessage } from './meeting-store.ts';
import { participantsOf } from './participant-store.ts';

/** A device of ours that was removed. */
export interface RemovedDevice {
  /** Of the event that says so. */
  readonly seq: number;
  readonly sub: string;
  readonly deviceId: string;
  /** Meetings here in which it is present: there its host hears that it leaves. */
  readonly presentIn: ReadonlySet<string>;
}

/** Those of a page of events, as they are before any of them is let go. */
export async function removedDevicesOf(
  { iss, database }: { readonly iss: string; readonly database: Database },
  page: readonly StoredEvent[],
): Promise<RemovedDevice[]> {
  const removed: RemovedDevice[] = [];
  for (const { type, subject, seq } of page) {
    const { sub, device: deviceId } = subject;
    if (type !== 'device.removed' || sub === undefined || deviceId === undefined) continue;
    const whose = { iss, deviceId };
    const present = await database.read((query) => participantsOf(query, whose, { limit: PAGE_ROWS }));
    removed.push({ seq, sub, deviceId, presentIn: new Set(present.map(({ group_id }) => group_id)) });
  }
  return removed;
}

/** Whether the host has heard that the device left and has begun no epoch since: a replica was faster, or a former start. */
export async function isSaidToLeave(
  tx: Transaction,
  { group, iss, deviceId }: { readonly group: string; readonly iss: string; readonly deviceId: string },
): Promise<boolean> {
  const newest = await tx
    .selectFrom('meeting_messages')
    .select('kind')
    .where('group_id', '=', group)
    .where(({ and, eb, or }) =>
      or([
        eb('kind', '=', 'rekey'),
        and([eb('kind', '=', 'left'), eb('iss', '=', iss), eb('device_id', '=', deviceId)]),
      ]),
    )
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  return newest?.kind === 'left';
}

/** What the host is told of a device that was not present: to begin an epoch takes no proof. */
export function unseenLeft(iss: string, { sub, deviceId }: RemovedDevice): NewMessage {
  const body = JSON.stringify({ iss, sub, device_id: deviceId, reason: 'revoked' });
  return { kind: 'left', iss, deviceId, body };
}

/** Open meetings here that the person is in, by themselves or by a durable group. */
export async function meetingsOf(
  query: Query,
  person: { readonly iss: string; readonly sub: string },
): Promise<ReadonlySet<string>> {
  const meetings = new Set<string>();
  for (const group of await groupsOfPerson(query, person)) {
    for (const meeting of await meetingsWith(query, { iss: person.iss, group })) meetings.add(meeting);
  }
  return meetings;
}
