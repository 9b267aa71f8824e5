import { sql } from 'kysely';
import type { Query, Transaction } from '../storage/database.ts';
import type { LogEpochsTable, VrfProofsTable } from '../storage/tables/keylog.ts';
import { inStatements } from './statement-sizes.ts';

export type Epoch = LogEpochsTable;

/** The epoch that was closed last; `undefined` before the first. */
export async function newestEpoch(reader: Query | Transaction): Promise<Epoch | undefined> {
  return reader.selectFrom('log_epochs').selectAll().orderBy('epoch', 'desc').limit(1).executeTakeFirst();
}

/** What the clock of the database's server shows, ms; `undefined` before the first epoch. PostgreSQL only. */
export async function serverTime(tx: Transaction): Promise<number | undefined> {
  const row = await tx
    .selectFrom('log_epochs')
    .select(sql<string>`floor(extract(epoch from clock_timestamp()) * 1000)`.as('ms'))
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? undefined : Number(row.ms);
}

/** The epoch whose entry is the last of a log of this size. */
export async function epochOfSize(query: Query, size: number): Promise<Epoch | undefined> {
  return query.selectFrom('log_epochs').selectAll().where('size', '=', size).executeTakeFirst();
}

export async function insertEpoch(tx: Transaction, epoch: Omit<Epoch, 'pages_kept'>): Promise<void> {
  await tx
    .insertInto('log_epochs')
    .values({ ...epoch, pages_kept: 1 })
    .execute();
}

/** One that a copy of the log has brought back; of those before the newest one the map is not kept. */
export async function insertRecoveredEpoch(
  tx: Transaction,
  epoch: Omit<Epoch, 'pages_kept'>,
  isNewest: boolean,
): Promise<void> {
  await tx
    .insertInto('log_epochs')
    .values({ ...epoch, pages_kept: isNewest ? 1 : 0 })
    .execute();
}

/** Stores rungs; one that is there already stays, since a proof never changes. */
export async function insertRungs(tx: Transaction, rungs: readonly VrfProofsTable[]): Promise<void> {
  for (const part of inStatements(rungs)) {
    await tx
      .insertInto('vrf_proofs')
      .values(part)
      .onConflict((conflict) => conflict.columns(['kind', 'name', 'version']).doNothing())
      .execute();
  }
}

/** Of the log at the end of an epoch. */
export async function sizeOfEpoch(query: Query, epoch: number): Promise<number | undefined> {
  const row = await query
    .selectFrom('log_epochs')
    .select('size')
    .where('epoch', '=', epoch)
    .executeTakeFirst();
  return row?.size;
}
