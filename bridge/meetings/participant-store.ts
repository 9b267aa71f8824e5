import * as z from 'zod/mini';
import { type PresenceEvidence, presenceEvidenceSchema } from '../../protocol/meetings/api.ts';
import type { Reader } from '../directory/handle.ts';
import type { Transaction } from '../storage/database.ts';
import type { MeetingParticipantsTable } from '../storage/tables/meetings.ts';

/** A device that is present, without what it showed. */
export interface Participant extends Omit<Readonly<MeetingParticipantsTable>, 'via' | 'evidence'> {
  readonly via: readonly string[];
}

const viaSchema = z.array(z.string());
const COLUMNS = ['group_id', 'iss', 'device_id', 'sub', 'via', 'seq'] as const;

function parse({ via, ...row }: Omit<MeetingParticipantsTable, 'evidence'>): Participant {
  return { ...row, via: viaSchema.parse(JSON.parse(via)) };
}

export async function findParticipant(
  reader: Reader,
  group: string,
  device: { readonly iss: string; readonly deviceId: string },
): Promise<Participant | undefined> {
  const row = await reader
    .selectFrom('meeting_participants')
    .select(COLUMNS)
    .where('group_id', '=', group)
    .where('iss', '=', device.iss)
    .where('device_id', '=', device.deviceId)
    .executeTakeFirst();
  return row === undefined ? undefined : parse(row);
}

/** Stores a presence in the place of an older one of the same device. */
export async function saveParticipant(
  tx: Transaction,
  { via, ...participant }: Participant,
  evidence: PresenceEvidence,
): Promise<void> {
  const said = { via: JSON.stringify(via), evidence: JSON.stringify(evidence) };
  const { sub, seq } = participant;
  await tx
    .insertInto('meeting_participants')
    .values({ ...participant, ...said })
    .onConflict((conflict) =>
      conflict.columns(['group_id', 'iss', 'device_id']).doUpdateSet({ ...said, sub, seq }),
    )
    .execute();
}

/** Deletes a presence with its evidence; answers whether it was there. */
export async function deleteParticipant(
  tx: Transaction,
  { group_id, iss, device_id }: Pick<Participant, 'group_id' | 'iss' | 'device_id'>,
): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('meeting_participants')
    .where('group_id', '=', group_id)
    .where('iss', '=', iss)
    .where('device_id', '=', device_id)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

export async function countParticipants(reader: Reader, group: string, iss: string): Promise<number> {
  const { count } = await reader
    .selectFrom('meeting_participants')
    .select(({ fn }) => fn.countAll().as('count'))
    .where('group_id', '=', group)
    .where('iss', '=', iss)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Whose presences to find: of one meeting, one bridge, one person or one device, or of several of these at once. */
export interface Whose {
  readonly group?: string | undefined;
  readonly iss?: string | undefined;
  readonly sub?: string | undefined;
  readonly deviceId?: string | undefined;
}

/** One page of them, behind the one given. */
export async function participantsOf(
  reader: Reader,
  { group, iss, sub, deviceId }: Whose,
  page: { readonly after?: Participant | undefined; readonly limit: number },
): Promise<Participant[]> {
  let query = reader
    .selectFrom('meeting_participants')
    .select(COLUMNS)
    .orderBy('group_id')
    .orderBy('iss')
    .orderBy('device_id')
    .limit(page.limit);
  if (group !== undefined) query = query.where('group_id', '=', group);
  if (iss !== undefined) query = query.where('iss', '=', iss);
  if (sub !== undefined) query = query.where('sub', '=', sub);
  if (deviceId !== undefined) query = query.where('device_id', '=', deviceId);
  const { after } = page;
  if (after !== undefined) {
    query = query.where(({ eb, refTuple, tuple }) =>
      eb(refTuple('group_id', 'iss', 'device_id'), '>', tuple(after.group_id, after.iss, after.device_id)),
    );
  }
  return (await query.execute()).map(parse);
}

/** What these devices showed, of those that are present. */
export async function evidenceOf(
  reader: Reader,
  group: string,
  deviceIds: readonly string[],
): Promise<{ device_id: string; evidence: PresenceEvidence }[]> {
  if (deviceIds.length === 0) return [];
  const rows = await reader
    .selectFrom('meeting_participants')
    .select(['device_id', 'evidence'])
    .where('group_id', '=', group)
    .where('device_id', 'in', deviceIds)
    .execute();
  return rows.map(({ device_id, evidence }) => ({
    device_id,
    evidence: presenceEvidenceSchema.parse(JSON.parse(evidence)),
  }));
}

interface Present {
  readonly group: string;
  readonly iss: string;
  readonly deviceId: string;
}

/** What a device showed, and the text as which it stands. */
export async function findEvidence(
  reader: Reader,
  group: string,
  { iss, deviceId }: Pick<Present, 'iss' | 'deviceId'>,
): Promise<{ readonly evidence: PresenceEvidence; readonly stored: string } | undefined> {
  const row = await reader
    .selectFrom('meeting_participants')
    .select('evidence')
    .where('group_id', '=', group)
    .where('iss', '=', iss)
    .where('device_id', '=', deviceId)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return { evidence: presenceEvidenceSchema.parse(JSON.parse(row.evidence)), stored: row.evidence };
}

/** Puts other evidence in the place of `stored`; answers whether that was still there. */
export async function replaceEvidence(
  tx: Transaction,
  { group, iss, deviceId }: Present,
  stored: string,
  evidence: PresenceEvidence,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('meeting_participants')
    .set({ evidence: JSON.stringify(evidence) })
    .where('group_id', '=', group)
    .where('iss', '=', iss)
    .where('device_id', '=', deviceId)
    .where('evidence', '=', stored)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** The bridges of those who are in a meeting. */
export async function bridgesIn(reader: Reader, group: string): Promise<string[]> {
  const rows = await reader
    .selectFrom('meeting_participants')
    .select('iss')
    .distinct()
    .where('group_id', '=', group)
    .execute();
  return rows.map(({ iss }) => iss);
}

const shownSchema = z.object({ address: presenceEvidenceSchema.shape.address });

/** Rows of evidence that are read at once: some kilobytes each. */
const PAGE = 500;

/** Under which addresses the people of a bridge are in a meeting, in order. */
export async function addressesIn(reader: Reader, group: string, iss: string): Promise<string[]> {
  const addresses = new Set<string>();
  let after = '';
  for (;;) {
    const rows = await reader
      .selectFrom('meeting_participants')
      .select(['device_id', 'evidence'])
      .where('group_id', '=', group)
      .where('iss', '=', iss)
      .where('device_id', '>', after)
      .orderBy('device_id')
      .limit(PAGE)
      .execute();
    for (const { evidence } of rows) addresses.add(shownSchema.parse(JSON.parse(evidence)).address);
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return [...addresses].sort();
    after = last.device_id;
  }
}
