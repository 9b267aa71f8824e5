import { CountersignError } from '../../protocol/errors.ts';
import type { Query, Transaction } from '../storage/database.ts';
import type { LogCheckpointsTable } from '../storage/tables/tlog.ts';
import type { LogName } from './log-heads.ts';

export type StoredCheckpoint = LogCheckpointsTable;
export type SignedCheckpoint = StoredCheckpoint & { readonly log_signature: string };

/** Keeps the head that transaction 2 moves the log to, in that transaction: who commits it may sign it. */
export async function insertCheckpoint(
  tx: Transaction,
  checkpoint: Omit<StoredCheckpoint, 'log_signature'>,
): Promise<void> {
  await tx
    .insertInto('log_checkpoints')
    .values({ ...checkpoint, log_signature: null })
    .execute();
}

/** The newest head that a checkpoint may be signed of; `undefined` before the first. */
export async function newestCheckpoint(
  reader: Query | Transaction,
  log: LogName,
): Promise<StoredCheckpoint | undefined> {
  return reader
    .selectFrom('log_checkpoints')
    .selectAll()
    .where('log', '=', log)
    .orderBy('size', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** When the newest head that is not younger than `time` was made, ms; `undefined` where there is none. */
export async function newestTimeUntil(query: Query, log: LogName, time: number): Promise<number | undefined> {
  const row = await query
    .selectFrom('log_checkpoints')
    .select('time_ms')
    .where('log', '=', log)
    .where('time_ms', '<=', time)
    .orderBy('size', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.time_ms;
}

/** The newest checkpoint that is signed. */
export async function newestSigned(
  reader: Query | Transaction,
  log: LogName,
): Promise<SignedCheckpoint | undefined> {
  const row = await reader
    .selectFrom('log_checkpoints')
    .selectAll()
    .where('log', '=', log)
    .where('log_signature', 'is not', null)
    .orderBy('size', 'desc')
    .limit(1)
    .executeTakeFirst();
  return asSigned(row);
}

/** The checkpoint of this size, signed or not. */
export async function checkpointAt(
  reader: Query | Transaction,
  log: LogName,
  size: number,
): Promise<StoredCheckpoint | undefined> {
  return reader
    .selectFrom('log_checkpoints')
    .selectAll()
    .where('log', '=', log)
    .where('size', '=', size)
    .executeTakeFirst();
}

/** The checkpoint before the one of this size. */
export async function checkpointBefore(
  reader: Query | Transaction,
  log: LogName,
  size: number,
): Promise<StoredCheckpoint | undefined> {
  return reader
    .selectFrom('log_checkpoints')
    .selectAll()
    .where('log', '=', log)
    .where('size', '<', size)
    .orderBy('size', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** The oldest checkpoint behind this size. `undefined`: there is none. */
export async function firstCheckpointAfter(
  reader: Query | Transaction,
  log: LogName,
  size: number,
): Promise<Pick<StoredCheckpoint, 'size' | 'time_ms'> | undefined> {
  return reader
    .selectFrom('log_checkpoints')
    .select(['size', 'time_ms'])
    .where('log', '=', log)
    .where('size', '>', size)
    .orderBy('size')
    .limit(1)
    .executeTakeFirst();
}

/** The newest checkpoint that had been there by this time (milliseconds) and is signed. */
export async function newestSignedBefore(
  reader: Query | Transaction,
  log: LogName,
  time: number,
): Promise<SignedCheckpoint | undefined> {
  const row = await reader
    .selectFrom('log_checkpoints')
    .selectAll()
    .where('log', '=', log)
    .where('time_ms', '<=', time)
    .where('log_signature', 'is not', null)
    .orderBy('size', 'desc')
    .limit(1)
    .executeTakeFirst();
  return asSigned(row);
}

/** The size of the largest checkpoint that everybody has been shown; `undefined` before the first. */
export async function publishedSize(query: Query, log: LogName): Promise<number | undefined> {
  const row = await query
    .selectFrom('log_publications')
    .select('size')
    .where('log', '=', log)
    .executeTakeFirst();
  return row?.size;
}

/** Remembers that a checkpoint of this size is about to be shown; one that is smaller than the largest changes nothing. */
export async function notePublished(tx: Transaction, log: LogName, size: number): Promise<void> {
  await tx
    .insertInto('log_publications')
    .values({ log, size })
    .onConflict((conflict) =>
      conflict.column('log').doUpdateSet({ size }).where('log_publications.size', '<', size),
    )
    .execute();
}

/** `undefined` for a checkpoint that is not signed. */
export function asSigned(row: StoredCheckpoint | undefined): SignedCheckpoint | undefined {
  if (row === undefined || row.log_signature === null) return undefined;
  return { ...row, log_signature: row.log_signature };
}

/** Throws `conflict` where the store does not have this checkpoint any more. */
export async function storeLogSignature(
  tx: Transaction,
  { log, size, root }: StoredCheckpoint,
  line: string,
): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable('log_checkpoints')
    .set({ log_signature: line })
    .where('log', '=', log)
    .where('size', '=', size)
    .where('root', '=', root)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows !== 1n) throw new CountersignError('conflict', 'the checkpoint is not there any more');
}
