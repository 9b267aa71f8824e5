import type { Reader } from '../directory/handle.ts';
import type { Transaction } from '../storage/database.ts';
import type { GroupExclusionsTable } from '../storage/tables/groups.ts';
import type { PersonName } from './member-store.ts';

/** The newest word of an admin on whether somebody is excluded from a group. */
export type StoredExclusion = Readonly<GroupExclusionsTable>;

export async function findExclusion(
  reader: Reader,
  group: string,
  { iss, sub }: PersonName,
): Promise<StoredExclusion | undefined> {
  return reader
    .selectFrom('group_exclusions')
    .selectAll()
    .where('group_id', '=', group)
    .where('iss', '=', iss)
    .where('sub', '=', sub)
    .executeTakeFirst();
}

/** Whether an admin has excluded this person from the group, however they came in. */
export async function isExcluded(reader: Reader, group: string, person: PersonName): Promise<boolean> {
  return (await findExclusion(reader, group, person))?.act === 'exclude';
}

/** The exclusions in force, the oldest first. */
export async function exclusionsOf(reader: Reader, group: string, limit: number): Promise<StoredExclusion[]> {
  return reader
    .selectFrom('group_exclusions')
    .selectAll()
    .where('group_id', '=', group)
    .where('act', '=', 'exclude')
    .orderBy('iat')
    .orderBy('hash')
    .limit(limit)
    .execute();
}

/** Readmissions from before `iat`: whoever is not excluded needs no row. */
export async function deleteReadmissions(
  transaction: Transaction,
  group: string,
  before: number,
): Promise<void> {
  await transaction
    .deleteFrom('group_exclusions')
    .where('group_id', '=', group)
    .where('act', '=', 'readmit')
    .where('iat', '<', before)
    .execute();
}

/** How many of whom an admin excluded or readmitted stand there. */
export async function countExclusions(
  reader: Reader,
  group: string,
  act: StoredExclusion['act'],
): Promise<number> {
  const { rows } = await reader
    .selectFrom('group_exclusions')
    .select(({ fn }) => fn.countAll().as('rows'))
    .where('group_id', '=', group)
    .where('act', '=', act)
    .executeTakeFirstOrThrow();
  return Number(rows);
}

/** Stores the newest word on a person in the place of the one before. */
export async function saveExclusion(transaction: Transaction, exclusion: StoredExclusion): Promise<void> {
  const { group_id, iss, sub, ...said } = exclusion;
  await transaction
    .insertInto('group_exclusions')
    .values(exclusion)
    .onConflict((conflict) => conflict.columns(['group_id', 'iss', 'sub']).doUpdateSet(said))
    .execute();
}
