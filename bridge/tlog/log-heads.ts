import { CountersignError } from '../../protocol/errors.ts';
import type { Query, Transaction } from '../storage/database.ts';
import type { LogHeadsTable } from '../storage/tables/tlog.ts';

/** Where a log ends. */
export interface LogHead {
  /** Entries, all of them. */
  readonly size: number;
  readonly hash: string;
}

export type LogName = LogHeadsTable['log'];

/** `undefined`: nothing was ever sequenced. */
export async function readHead(reader: Query | Transaction, log: LogName): Promise<LogHead | undefined> {
  return reader.selectFrom('log_heads').select(['size', 'hash']).where('log', '=', log).executeTakeFirst();
}

/** The head to go on from; of an empty log the `genesis`. */
export async function takeHead(tx: Transaction, log: LogName, genesis: string): Promise<LogHead> {
  const head = await readHead(tx, log);
  if (head !== undefined) return head;
  await tx
    .insertInto('log_heads')
    .values({ log, size: 0, hash: genesis })
    .onConflict((conflict) => conflict.column('log').doNothing())
    .execute();
  return { size: 0, hash: genesis };
}

/** By compare-and-swap: throws `conflict` where the head is not `from` any more. */
export async function moveHead(tx: Transaction, log: LogName, from: LogHead, to: LogHead): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable('log_heads')
    .set(to)
    .where('log', '=', log)
    .where('size', '=', from.size)
    .where('hash', '=', from.hash)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows !== 1n) throw new CountersignError('conflict', 'another sequencer moved the head');
}
