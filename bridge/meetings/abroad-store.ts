import type { Reader } from '../directory/handle.ts';
import type { Transaction } from '../storage/database.ts';
import type { MeetingsAbroadTable } from '../storage/tables/meetings.ts';

/** A device of ours in a meeting that a partner keeps. */
export type Abroad = Readonly<MeetingsAbroadTable>;

/** One device's place. */
export type Place = Pick<Abroad, 'home' | 'group_id' | 'device_id'>;

/** Whose places: of a person or of a device, in all meetings or in one. */
export type WhoseAbroad = Partial<Pick<Abroad, 'sub' | 'device_id' | 'home' | 'group_id'>>;

const COLUMNS = ['sub', 'device_id', 'home', 'group_id'] as const;

export async function findAbroad(reader: Reader, place: Place): Promise<Abroad | undefined> {
  return reader
    .selectFrom('meetings_abroad')
    .selectAll()
    .where('home', '=', place.home)
    .where('group_id', '=', place.group_id)
    .where('device_id', '=', place.device_id)
    .executeTakeFirst();
}

/** In how many meetings abroad the device is. */
export async function countAbroad(reader: Reader, deviceId: string): Promise<number> {
  const { places } = await reader
    .selectFrom('meetings_abroad')
    .select(({ fn }) => fn.countAll().as('places'))
    .where('device_id', '=', deviceId)
    .executeTakeFirstOrThrow();
  return Number(places);
}

/** The device is there: also where it was to leave, and is there again. */
export async function putAbroad(transaction: Transaction, abroad: Abroad): Promise<void> {
  const { noted, leaving } = abroad;
  await transaction
    .insertInto('meetings_abroad')
    .values(abroad)
    .onConflict((conflict) =>
      conflict.columns(['home', 'group_id', 'device_id']).doUpdateSet({ noted, leaving }),
    )
    .execute();
}

export async function deleteAbroad(transaction: Transaction, place: Place): Promise<void> {
  await transaction
    .deleteFrom('meetings_abroad')
    .where('home', '=', place.home)
    .where('group_id', '=', place.group_id)
    .where('device_id', '=', place.device_id)
    .execute();
}

/** Their homes are to be told that they had to leave. Answers how many places it is. */
export async function markLeaving(transaction: Transaction, whose: WhoseAbroad): Promise<number> {
  let update = transaction.updateTable('meetings_abroad').set({ leaving: 1 }).where('leaving', '=', 0);
  for (const column of COLUMNS) {
    const value = whose[column];
    if (value !== undefined) update = update.where(column, '=', value);
  }
  const { numUpdatedRows } = await update.executeTakeFirstOrThrow();
  return Number(numUpdatedRows);
}

/** Places of a person or a device, in the order of the key, from behind `after` on. */
export async function listAbroad(
  reader: Reader,
  whose: WhoseAbroad & { readonly leaving?: 0 | 1 },
  { after, limit }: { readonly after: Place | undefined; readonly limit: number },
): Promise<Abroad[]> {
  let query = reader.selectFrom('meetings_abroad').selectAll();
  for (const column of [...COLUMNS, 'leaving'] as const) {
    const value = whose[column];
    if (value !== undefined) query = query.where(column, '=', value);
  }
  if (after !== undefined) {
    query = query.where(({ eb, refTuple, tuple }) =>
      eb(refTuple('home', 'group_id', 'device_id'), '>', tuple(after.home, after.group_id, after.device_id)),
    );
  }
  return query.orderBy('home').orderBy('group_id').orderBy('device_id').limit(limit).execute();
}

/** Forgets places that were noted before a time, in seconds; answers how many. */
export async function forgetAbroad(transaction: Transaction, before: number): Promise<number> {
  const { numDeletedRows } = await transaction
    .deleteFrom('meetings_abroad')
    .where('noted', '<', before)
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}
