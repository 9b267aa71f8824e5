import type { Joined } from '../../protocol/meetings/rekey-message.ts';
import type { Reader } from '../directory/handle.ts';
import type { Transaction } from '../storage/database.ts';
import { repeatedStatement } from '../storage/repeated-statement.ts';
import type { MeetingPlacesTable } from '../storage/tables/meetings.ts';

/** Who has a place in the tree of a meeting. */
export type Place = Omit<Readonly<MeetingPlacesTable>, 'group_id'>;

/** One page of places above a leaf, by leaf. */
export async function placesAbove(
  reader: Reader,
  group: string,
  after: number,
  limit: number,
): Promise<Place[]> {
  return reader
    .selectFrom('meeting_places')
    .select(['leaf', 'iss', 'sub', 'device_id'])
    .where('group_id', '=', group)
    .where('leaf', '>', after)
    .orderBy('leaf')
    .limit(limit)
    .execute();
}

/** Applies the change of one message; a new term begins with an empty tree. */
export async function changePlaces(
  tx: Transaction,
  group: string,
  change: { readonly joined: readonly Joined[]; readonly left: readonly number[] },
  newTerm: boolean,
): Promise<void> {
  if (newTerm) await tx.deleteFrom('meeting_places').where('group_id', '=', group).execute();
  const freed = [...change.left, ...change.joined.map(({ leaf }) => leaf)];
  if (freed.length > 0) {
    await tx.deleteFrom('meeting_places').where('group_id', '=', group).where('leaf', 'in', freed).execute();
  }
  const joined = change.joined.map(({ leaf, iss, sub, device_id }) => ({ leaf, iss, sub, device_id }));
  const rows = [...new Map(joined.map((row) => [row.leaf, { group_id: group, ...row }])).values()];
  await insertPlaces(tx, rows);
}

const insertPlaces = repeatedStatement((tx, rows: MeetingPlacesTable[]) =>
  tx.insertInto('meeting_places').values(rows),
);
