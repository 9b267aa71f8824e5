import { CountersignError } from '../../protocol/errors.ts';
import type { Reader } from '../directory/handle.ts';
import type { MeetingMessagesTable } from '../storage/tables/meetings.ts';

/** A message of a meeting's relay, as it is handed on. */
export interface RelayMessage extends Pick<MeetingMessagesTable, 'seq' | 'kind' | 'body'> {
  /** Bridge and device that it is for or about; null for what everybody gets. */
  readonly iss: string | null;
  readonly deviceId: string | null;
}

/** Messages behind the ones that were asked for. */
export interface RelayPage {
  readonly messages: readonly RelayMessage[];
  /** The reader has seen everything up to here: more than the last message where others are not for it. */
  readonly through: number;
}

/** Who reads: a device of ours at its own stream, or a partner for all of its people. */
export type Reading =
  | { readonly iss: string; readonly deviceId: string; readonly admin: boolean }
  | { readonly iss: string; readonly deviceId: null; readonly admin: false };

/**
 * Whether a message is for this reader. A partner gets placements of its own people's devices alone, and is told which
 * of them had to leave, so that it ends their streams; who else is there is the admins' to know.
 */
export function isFor({ kind, iss, deviceId }: RelayMessage, reading: Reading): boolean {
  if (kind === 'rekey' || kind === 'group' || kind === 'ended') return true;
  if (kind === 'placement') {
    return iss === reading.iss && (reading.deviceId === null || reading.deviceId === deviceId);
  }
  if (kind === 'left') return reading.admin || (iss === reading.iss && reading.deviceId === null);
  return reading.admin;
}

/** Whether a device of ours had to leave: its stream ends with this message, which it is not told. */
export function hadToLeave({ kind, iss, deviceId }: RelayMessage, reading: Reading): boolean {
  return kind === 'left' && reading.deviceId !== null && iss === reading.iss && deviceId === reading.deviceId;
}

/** Whether a reader misses something without this message. */
export function concerns(message: RelayMessage, reading: Reading): boolean {
  return isFor(message, reading) || hadToLeave(message, reading);
}

/** What is stored of a change of the group: whether it may have taken something from somebody. */
export const groupBody = (restricts: boolean) => JSON.stringify({ restricts });

const RESTRICTING = groupBody(true);

/** Whether whoever listens should be looked at again. */
export function restrictsGroup({ kind, body }: RelayMessage): boolean {
  return kind === 'group' && body === RESTRICTING;
}

/**
 * Messages behind `after`, in their order: as many as the page takes, and one at least. Presences that are over, or told
 * anew later, are left out. Throws `meeting_missed` if the first of them is deleted already, unless the meeting has
 * ended.
 */
export async function readMessages(
  reader: Reader,
  group: string,
  after: number,
  page: { readonly messages: number; readonly length: number },
): Promise<RelayPage> {
  const last = await endOfPage(reader, group, after, page);
  if (last === undefined) return { messages: [], through: after };
  const rows = await reader
    .selectFrom('meeting_messages as message')
    .leftJoin('meeting_participants as participant', (join) =>
      join
        .onRef('participant.group_id', '=', 'message.group_id')
        .onRef('participant.seq', '=', 'message.seq')
        .onRef('participant.iss', '=', 'message.iss')
        .onRef('participant.device_id', '=', 'message.device_id'),
    )
    .select(['message.seq', 'message.kind', 'message.iss', 'message.device_id as deviceId', 'message.body'])
    .select('participant.evidence')
    .where('message.group_id', '=', group)
    .where('message.seq', '>', after)
    .where('message.seq', '<=', last)
    .orderBy('message.seq')
    .execute();
  const messages = rows.flatMap(({ evidence, ...message }): RelayMessage[] => {
    if (message.kind !== 'presence') return [message];
    return evidence === null ? [] : [{ ...message, body: presenceBody(message.deviceId, evidence) }];
  });
  return { messages, through: last };
}

async function endOfPage(
  reader: Reader,
  group: string,
  after: number,
  page: { readonly messages: number; readonly length: number },
): Promise<number | undefined> {
  const rows = await reader
    .selectFrom('meeting_messages')
    .select(['seq', 'kind', 'size'])
    .where('group_id', '=', group)
    .where('seq', '>', after)
    .orderBy('seq')
    .limit(page.messages)
    .execute();
  const [first] = rows;
  if (first !== undefined && first.seq !== after + 1 && first.kind !== 'ended') {
    throw new CountersignError('meeting_missed');
  }
  let length = 0;
  let last = first?.seq;
  for (const { seq, size } of rows) {
    length += size;
    if (length > page.length) break;
    last = seq;
  }
  return last;
}

function presenceBody(deviceId: string | null, evidence: string): string {
  return JSON.stringify({ device_id: deviceId, ...JSON.parse(evidence) });
}
