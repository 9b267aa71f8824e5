import type { Reader } from '../directory/handle.ts';
import type { Transaction } from '../storage/database.ts';
import type { RecoveriesTable, RecoverySharesTable } from '../storage/tables/binding.ts';

export type StoredRecovery = Readonly<RecoveriesTable>;
export type StoredShare = Readonly<RecoverySharesTable>;

export async function findRecovery(reader: Reader, id: string): Promise<StoredRecovery | undefined> {
  return reader.selectFrom('recoveries').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function findRecoveryByRequest(
  reader: Reader,
  sub: string,
  requestId: string,
): Promise<StoredRecovery | undefined> {
  return reader
    .selectFrom('recoveries')
    .selectAll()
    .where('sub', '=', sub)
    .where('request_id', '=', requestId)
    .executeTakeFirst();
}

/** Those that can still be answered, the oldest first; of one person if named. */
export async function pendingRecoveries(
  reader: Reader,
  now: number,
  sub?: string,
): Promise<StoredRecovery[]> {
  const pending = reader
    .selectFrom('recoveries')
    .selectAll()
    .where('status', '=', 'pending')
    .where('expires', '>', now);
  return (sub === undefined ? pending : pending.where('sub', '=', sub))
    .orderBy('created')
    .orderBy('id')
    .execute();
}

/** A unique violation means that this person used the request id meanwhile. */
export async function insertRecovery(tx: Transaction, recovery: StoredRecovery): Promise<void> {
  await tx.insertInto('recoveries').values(recovery).execute();
}

/**
 * Counts one more approval of a pending recovery, and holds its row until the transaction ends, so that of two approvals at
 * once exactly one is the second. Answers how many there are, or undefined where it is not pending any more.
 */
export async function countApproval(tx: Transaction, id: string, now: number): Promise<number | undefined> {
  const counted = await tx
    .updateTable('recoveries')
    .set((row) => ({ approvals: row('approvals', '+', 1) }))
    .where('id', '=', id)
    .where('status', '=', 'pending')
    .where('expires', '>', now)
    .returning('approvals')
    .executeTakeFirst();
  return counted?.approvals;
}

/** Ends a pending recovery; answers whether it was one. */
export async function settleRecovery(
  tx: Transaction,
  id: string,
  status: 'released' | 'refused',
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('recoveries')
    .set({ status })
    .where('id', '=', id)
    .where('status', '=', 'pending')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

export async function sharesOf(reader: Reader, recovery: string): Promise<StoredShare[]> {
  return reader.selectFrom('recovery_shares').selectAll().where('recovery', '=', recovery).execute();
}

export async function insertShare(tx: Transaction, share: StoredShare): Promise<void> {
  await tx.insertInto('recovery_shares').values(share).execute();
}

/** Those that somebody has approved, and that were not refused and have not ended. */
export async function approvedRecoveries(tx: Transaction): Promise<StoredRecovery[]> {
  return tx
    .selectFrom('recoveries')
    .selectAll()
    .where('status', 'in', ['pending', 'released'])
    .where('approvals', '>', 0)
    .orderBy('id')
    .execute();
}

/** Deletes the shares of these halves, and has the recovery wait for them again; `left` are still there. */
export async function withdrawShares(
  tx: Transaction,
  recovery: string,
  halves: readonly string[],
  left: number,
): Promise<void> {
  await tx
    .deleteFrom('recovery_shares')
    .where('recovery', '=', recovery)
    .where('half', 'in', halves)
    .execute();
  await tx
    .updateTable('recoveries')
    .set({ status: 'pending', approvals: left })
    .where('id', '=', recovery)
    .execute();
}

/** Ends what nobody answered in time; answers it. */
export async function expireRecoveries(tx: Transaction, now: number): Promise<StoredRecovery[]> {
  return tx
    .updateTable('recoveries')
    .set({ status: 'expired' })
    .where('status', '=', 'pending')
    .where('expires', '<=', now)
    .returningAll()
    .execute();
}

/** Deletes what ended, with its shares, once it expired before `before`: nobody fetches it any more. */
export async function deleteOldRecoveries(tx: Transaction, before: number): Promise<void> {
  const old = tx
    .selectFrom('recoveries')
    .select('id')
    .where('status', '!=', 'pending')
    .where('expires', '<', before);
  await tx.deleteFrom('recovery_shares').where('recovery', 'in', old).execute();
  await tx.deleteFrom('recoveries').where('status', '!=', 'pending').where('expires', '<', before).execute();
}

/** Deletes the readings of a kept escrow with their shares. */
export async function deleteReadingsOf(tx: Transaction, kept: string): Promise<void> {
  const theirs = tx.selectFrom('recoveries').select('id').where('kept', '=', kept);
  await tx.deleteFrom('recovery_shares').where('recovery', 'in', theirs).execute();
  await tx.deleteFrom('recoveries').where('kept', '=', kept).execute();
}

/** Deletes a person's recoveries with their shares: part of closing, resetting and erasing. */
export async function deleteRecoveriesOf(tx: Transaction, sub: string): Promise<void> {
  const theirs = tx.selectFrom('recoveries').select('id').where('sub', '=', sub);
  await tx.deleteFrom('recovery_shares').where('recovery', 'in', theirs).execute();
  await tx.deleteFrom('recoveries').where('sub', '=', sub).execute();
}
