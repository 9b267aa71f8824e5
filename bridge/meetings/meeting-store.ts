import { CountersignError } from '../../protocol/errors.ts';
import type { Reader } from '../directory/handle.ts';
import { MEETING_EPOCHS_KEPT } from '../lib/limits.ts';
import type { Transaction } from '../storage/database.ts';
import { repeatedStatement } from '../storage/repeated-statement.ts';
import type { MeetingMessagesTable, MeetingsTable } from '../storage/tables/meetings.ts';

/** The relay of a meeting whose group is kept here. */
export type Meeting = Readonly<MeetingsTable>;

/** What somebody posts; it gets its number when it is stored. */
export interface NewMessage {
  readonly kind: MeetingMessagesTable['kind'];
  readonly iss?: string;
  readonly deviceId?: string;
  readonly epoch?: number;
  /** JSON. */
  readonly body: string;
}

/** How much a meeting keeps: messages, and characters of them. */
export interface Retention {
  readonly messages: number;
  readonly length: number;
}

/** The relay of this group's meeting, an ended one included, or `undefined` before anybody used it. */
export async function findMeeting(reader: Reader, group: string): Promise<Meeting | undefined> {
  return reader.selectFrom('meetings').selectAll().where('group_id', '=', group).executeTakeFirst();
}

/** How the relay of a meeting begins: it is stored with its first message. */
export function newMeeting(group: string): Meeting {
  return {
    ...{ group_id: group, status: 'open', term: 0, epoch: 0, head: null, rekey: null, admission: null },
    ...{ host_sub: null, host_device: null, seq: 0, told: 0, pruned: 0, size: 0 },
  };
}

/** Meetings that go on, a page at a time. */
export async function openMeetings(reader: Reader, after: string, limit: number): Promise<string[]> {
  return meetingsThat(reader, 'open', after, limit);
}

/** Those of these groups whose meetings go on. */
export async function openMeetingsOf(reader: Reader, groups: readonly string[]): Promise<string[]> {
  if (groups.length === 0) return [];
  const rows = await reader
    .selectFrom('meetings')
    .select('group_id')
    .where('group_id', 'in', groups)
    .where('status', '=', 'open')
    .execute();
  return rows.map((row) => row.group_id);
}

/** Meetings that have ended, a page at a time. */
export async function endedMeetings(reader: Reader, after: string, limit: number): Promise<string[]> {
  return meetingsThat(reader, 'ended', after, limit);
}

async function meetingsThat(
  reader: Reader,
  status: Meeting['status'],
  after: string,
  limit: number,
): Promise<string[]> {
  const rows = await reader
    .selectFrom('meetings')
    .select('group_id')
    .where('status', '=', status)
    .where('group_id', '>', after)
    .orderBy('group_id')
    .limit(limit)
    .execute();
  return rows.map((row) => row.group_id);
}

/** Forgets an ended meeting altogether. */
export async function deleteMeeting(tx: Transaction, group: string): Promise<void> {
  await tx.deleteFrom('meeting_messages').where('group_id', '=', group).execute();
  await tx.deleteFrom('meetings').where('group_id', '=', group).execute();
}

/** What a rekey message changes of the meeting. */
export type Head = Pick<
  Meeting,
  'term' | 'epoch' | 'head' | 'rekey' | 'admission' | 'host_sub' | 'host_device'
>;

/**
 * Stores messages behind the newest one, in their order, with what they change of the meeting. Answers the meeting as
 * it is then. Throws `conflict` if somebody else was faster.
 */
export async function appendMessages(
  tx: Transaction,
  meeting: Meeting,
  messages: readonly NewMessage[],
  change: Partial<Head & Pick<Meeting, 'status' | 'told'>> = {},
): Promise<Meeting> {
  const rows = messages.map(({ kind, iss, deviceId, epoch, body }, index) => ({
    ...{ group_id: meeting.group_id, seq: meeting.seq + 1 + index, kind },
    ...{ iss: iss ?? null, device_id: deviceId ?? null, epoch: epoch ?? null, body, size: body.length },
  }));
  const size = meeting.size + rows.reduce((sum, row) => sum + row.size, 0);
  const after: Meeting = { ...meeting, ...change, seq: meeting.seq + rows.length, size };
  if (!(await advance(tx, meeting, after))) throw new CountersignError('conflict');
  await insertMessages(tx, rows);
  return after;
}

async function advance(tx: Transaction, before: Meeting, after: Meeting): Promise<boolean> {
  if (before.seq === 0) {
    await tx.insertInto('meetings').values(after).execute();
    return true;
  }
  const { group_id, ...changes } = after;
  const { numUpdatedRows } = await tx
    .updateTable('meetings')
    .set(changes)
    .where('group_id', '=', group_id)
    .where('seq', '=', before.seq)
    .where('status', '=', 'open')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

const insertMessages = repeatedStatement((tx, rows: MeetingMessagesTable[]) =>
  tx.insertInto('meeting_messages').values(rows),
);

/**
 * Deletes the oldest messages, half of what may be kept, once there are too many. The rekey messages of the newest
 * epochs stay, which presence proofs answer, though readers are told that they are gone: nobody may flood a meeting until
 * nobody can come in.
 */
export async function pruneMessages(tx: Transaction, meeting: Meeting, keep: Retention): Promise<void> {
  const { group_id: group, seq, pruned, size } = meeting;
  if (seq - pruned <= keep.messages && size <= keep.length) return;
  const rows = await tx
    .selectFrom('meeting_messages')
    .select(['seq', 'size'])
    .where('group_id', '=', group)
    .where('seq', '>', pruned)
    .orderBy('seq')
    .execute();
  const spare = { messages: seq - pruned - keep.messages / 2, length: size - keep.length / 2 };
  let gone = { messages: 0, length: 0, seq: pruned };
  for (const row of rows) {
    if (gone.messages >= spare.messages && gone.length >= spare.length) break;
    gone = { messages: gone.messages + 1, length: gone.length + row.size, seq: row.seq };
  }
  const unanswerable = meeting.epoch - MEETING_EPOCHS_KEPT;
  await tx
    .deleteFrom('meeting_messages')
    .where('group_id', '=', group)
    .where('seq', '<=', gone.seq)
    .where(({ or, eb }) => or([eb('epoch', 'is', null), eb('epoch', '<=', unanswerable)]))
    .execute();
  await tx
    .updateTable('meetings')
    .set({ pruned: gone.seq, size: size - gone.length })
    .where('group_id', '=', group)
    .execute();
}

async function deleteMessages(tx: Transaction, group: string, upTo: number): Promise<void> {
  await tx.deleteFrom('meeting_messages').where('group_id', '=', group).where('seq', '<=', upTo).execute();
}

/** The rekey message that began this epoch, if it is still kept. */
export async function findRekeyOf(
  reader: Reader,
  group: string,
  epoch: number,
): Promise<{ readonly seq: number; readonly body: string } | undefined> {
  return reader
    .selectFrom('meeting_messages')
    .select(['seq', 'body'])
    .where('group_id', '=', group)
    .where('epoch', '=', epoch)
    .where('kind', '=', 'rekey')
    .executeTakeFirst();
}

/** Ends the relay: one message is left, which says so, and nothing of who took part. */
export async function endMeeting(tx: Transaction, meeting: Meeting): Promise<Meeting> {
  const { group_id: group } = meeting;
  const ended = await appendMessages(tx, meeting, [{ kind: 'ended', body: '{}' }], {
    status: 'ended',
    rekey: null,
    admission: null,
  });
  await deleteMessages(tx, group, meeting.seq);
  await tx.deleteFrom('meeting_participants').where('group_id', '=', group).execute();
  await tx.deleteFrom('meeting_places').where('group_id', '=', group).execute();
  await tx
    .updateTable('meetings')
    .set({ pruned: meeting.seq, size: 2 })
    .where('group_id', '=', group)
    .execute();
  return ended;
}
