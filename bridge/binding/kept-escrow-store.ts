import type { Reader } from '../directory/handle.ts';
import type { Transaction } from '../storage/database.ts';
import type { KeptEscrowsTable } from '../storage/tables/binding.ts';

export type StoredKeptEscrow = Readonly<KeptEscrowsTable>;

export async function insertKeptEscrow(tx: Transaction, kept: StoredKeptEscrow): Promise<void> {
  await tx.insertInto('kept_escrows').values(kept).execute();
}

/** One that was kept since `since` at the earliest: what is older is as good as destroyed. */
export async function findKeptEscrow(
  reader: Reader,
  id: string,
  since: number,
): Promise<StoredKeptEscrow | undefined> {
  return reader
    .selectFrom('kept_escrows')
    .selectAll()
    .where('id', '=', id)
    .where('closed', '>', since)
    .executeTakeFirst();
}

/** Those that were kept after `since`, the oldest first, without what is sealed. */
export async function listKeptEscrows(
  reader: Reader,
  since: number,
): Promise<Omit<StoredKeptEscrow, 'sealed' | 'statement'>[]> {
  return reader
    .selectFrom('kept_escrows')
    .select(['id', 'sub', 'address', 'key_version', 'closed'])
    .where('closed', '>', since)
    .orderBy('closed')
    .orderBy('id')
    .execute();
}

/** Whether anything of this person's is kept. */
export async function hasKeptEscrow(reader: Reader, sub: string): Promise<boolean> {
  const row = await reader
    .selectFrom('kept_escrows')
    .select('id')
    .where('sub', '=', sub)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Deletes what was kept until `until`, or all of one person's; answers it. */
export async function deleteKeptEscrows(
  tx: Transaction,
  which: { readonly until: number } | { readonly sub: string },
): Promise<Pick<StoredKeptEscrow, 'id' | 'sub' | 'address' | 'key_version' | 'closed'>[]> {
  const all = tx.deleteFrom('kept_escrows');
  const some = 'sub' in which ? all.where('sub', '=', which.sub) : all.where('closed', '<=', which.until);
  return some.returning(['id', 'sub', 'address', 'key_version', 'closed']).execute();
}
