import type { Transaction } from '../database.ts';

/** The admission statement that a meeting's newest message names, as its host signed it. */
export async function up(transaction: Transaction): Promise<void> {
  await transaction.schema.alterTable('meetings').addColumn('admission', 'text').execute();
}
