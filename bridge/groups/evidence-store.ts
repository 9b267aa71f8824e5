import type { Reader } from '../directory/handle.ts';
import type { Transaction } from '../storage/database.ts';
import type { GroupEvidenceTable } from '../storage/tables/groups.ts';

/** What showed whose device signed for a group, at a time. */
export type StoredEvidence = Readonly<GroupEvidenceTable>;

/** Whether what was made at `since` (seconds) or later serves at `now` for this device. */
export async function hasEvidence(
  reader: Reader,
  { group, deviceId }: { readonly group: string; readonly deviceId: string },
  { since, now }: { readonly since: number; readonly now: number },
): Promise<boolean> {
  const row = await reader
    .selectFrom('group_evidence')
    .select('made')
    .where('group_id', '=', group)
    .where('device_id', '=', deviceId)
    .where('made', '>=', since)
    .where('made', '<=', now)
    .where('expires', '>', now)
    .executeTakeFirst();
  return row !== undefined;
}

/** Of two that were made in one second one is enough. */
export async function insertEvidence(transaction: Transaction, evidence: StoredEvidence): Promise<void> {
  await transaction
    .insertInto('group_evidence')
    .values(evidence)
    .onConflict((conflict) => conflict.columns(['group_id', 'device_id', 'made']).doNothing())
    .execute();
}

/** When what is stored of this device was made, the newest first. */
export async function timesOfEvidence(
  reader: Reader,
  { group, deviceId }: { readonly group: string; readonly deviceId: string },
): Promise<number[]> {
  const rows = await reader
    .selectFrom('group_evidence')
    .select('made')
    .where('group_id', '=', group)
    .where('device_id', '=', deviceId)
    .orderBy('made', 'desc')
    .execute();
  return rows.map(({ made }) => made);
}

/** What was made of this device at these times. */
export async function evidenceMadeAt(
  reader: Reader,
  { group, deviceId }: { readonly group: string; readonly deviceId: string },
  times: readonly number[],
): Promise<StoredEvidence[]> {
  if (times.length === 0) return [];
  return reader
    .selectFrom('group_evidence')
    .selectAll()
    .where('group_id', '=', group)
    .where('device_id', '=', deviceId)
    .where('made', 'in', times)
    .execute();
}

export async function deleteEvidenceOf(transaction: Transaction, group: string): Promise<void> {
  await transaction.deleteFrom('group_evidence').where('group_id', '=', group).execute();
}

/** What somebody signed stays, and verifies for nobody any more. */
export async function deleteEvidenceBy(transaction: Transaction, sub: string): Promise<void> {
  await transaction.deleteFrom('group_evidence').where('sub', '=', sub).execute();
}
