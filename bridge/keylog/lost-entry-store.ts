import { encodeBase64url } from '../../protocol/base64url.ts';
import type { Query, Transaction } from '../storage/database.ts';
import type { LostEntriesTable } from '../storage/tables/keylog.ts';
import { inStatements } from './statement-sizes.ts';

/** A version whose name nothing in the store says. Output and commitment 32 bytes. */
export interface LostEntry extends Omit<LostEntriesTable, 'output'> {
  readonly output: Uint8Array;
}

export async function insertLostEntries(tx: Transaction, entries: readonly LostEntry[]): Promise<void> {
  const rows = entries.map(({ output, commitment, position, epoch }) => ({
    ...{ output: encodeBase64url(output), commitment, position, epoch },
  }));
  for (const part of inStatements(rows)) await tx.insertInto('lost_entries').values(part).execute();
}

/** Whether there are any: on a store that was never recovered there are none. */
export async function hasLostEntries(query: Query | Transaction): Promise<boolean> {
  const row = await query.selectFrom('lost_entries').select('position').limit(1).executeTakeFirst();
  return row !== undefined;
}

export async function countLostEntries(query: Query | Transaction): Promise<number> {
  const { count } = await query
    .selectFrom('lost_entries')
    .select(({ fn }) => fn.countAll().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** The one that stands at this place of the map. */
export async function findLostEntry(
  query: Query | Transaction,
  output: Uint8Array,
): Promise<Omit<LostEntriesTable, 'output'> | undefined> {
  return query
    .selectFrom('lost_entries')
    .select(['commitment', 'position', 'epoch'])
    .where('output', '=', encodeBase64url(output))
    .executeTakeFirst();
}

/** Takes one out, whose name is known now; `false` where somebody else did. */
export async function deleteLostEntry(tx: Transaction, output: Uint8Array): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('lost_entries')
    .where('output', '=', encodeBase64url(output))
    .executeTakeFirstOrThrow();
  return numDeletedRows === 1n;
}
