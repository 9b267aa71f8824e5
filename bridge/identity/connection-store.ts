import type { Query, Transaction } from '../storage/database.ts';
import type { ConnectionsTable } from '../storage/tables/identity.ts';

export type ConnectionRow = Readonly<ConnectionsTable>;
type Reader = Query | Transaction;

export async function findConnection(reader: Reader, id: string): Promise<ConnectionRow | undefined> {
  return reader.selectFrom('connections').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function listConnections(reader: Reader): Promise<ConnectionRow[]> {
  return reader.selectFrom('connections').selectAll().orderBy('name').orderBy('id').execute();
}

/** Those that people can sign in through; of these ids only, where some are given. */
export async function activeConnections(reader: Reader, ids?: readonly string[]): Promise<ConnectionRow[]> {
  if (ids?.length === 0) return [];
  let query = reader
    .selectFrom('connections')
    .selectAll()
    .where('status', '=', 'active')
    .orderBy('name')
    .orderBy('id');
  if (ids !== undefined) query = query.where('id', 'in', ids);
  return query.execute();
}

export async function insertConnection(tx: Transaction, row: ConnectionsTable): Promise<void> {
  await tx.insertInto('connections').values(row).execute();
}

export async function updateConnection(
  tx: Transaction,
  id: string,
  change: Partial<Omit<ConnectionsTable, 'id' | 'protocol' | 'created'>>,
): Promise<void> {
  await tx.updateTable('connections').set(change).where('id', '=', id).execute();
}

export async function deleteConnection(tx: Transaction, id: string): Promise<void> {
  await tx.deleteFrom('connections').where('id', '=', id).execute();
}
