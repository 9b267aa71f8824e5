import type { Query, Transaction } from '../storage/database.ts';
import type { ForeignChangesTable } from '../storage/tables/federation.ts';

/** That a partner said of an address of its own that something changed. */
export type ForeignChange = Readonly<ForeignChangesTable>;

/** Keeps the newest change of an address: whoever comes back to a watch is told of it. */
export async function noteForeignChange(tx: Transaction, change: ForeignChange): Promise<void> {
  const { address: _address, ...rest } = change;
  await tx
    .insertInto('foreign_changes')
    .values(change)
    .onConflict((conflict) => conflict.column('address').doUpdateSet(rest))
    .execute();
}

/** Those of these addresses that changed at `time` (seconds) or later. */
export async function foreignChangesSince(
  query: Query,
  addresses: readonly string[],
  time: number,
): Promise<ForeignChange[]> {
  return query
    .selectFrom('foreign_changes')
    .selectAll()
    .where('address', 'in', addresses)
    .where('noted', '>=', time)
    .execute();
}

/** Forgets changes noted before `time` (seconds); answers how many. */
export async function purgeForeignChanges(tx: Transaction, time: number): Promise<number> {
  const { numDeletedRows } = await tx
    .deleteFrom('foreign_changes')
    .where('noted', '<', time)
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}
