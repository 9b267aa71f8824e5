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

/** Every domain that connections were given, verified or not, by connection. */
export async function domainsByConnection(reader: Reader): Promise<Map<string, string[]>> {
  const rows = await reader
    .selectFrom('connection_domains')
    .selectAll()
    .orderBy('connection_id')
    .orderBy('domain')
    .execute();
  const domains = new Map<string, string[]>();
  for (const { connection_id, domain } of rows) {
    domains.set(connection_id, [...(domains.get(connection_id) ?? []), domain]);
  }
  return domains;
}

/** Whether anybody is known through this connection. */
export async function hasPeople(reader: Reader, id: string): Promise<boolean> {
  const row = await reader
    .selectFrom('upstream_identities')
    .select('sub')
    .where('connection_id', '=', id)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
