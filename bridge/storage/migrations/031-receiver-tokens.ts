import type { Transaction } from '../database.ts';

/** Tokens of receivers of signals end, and are exchanged with an overlap. Those there are last a year from their making. */
export async function up(transaction: Transaction): Promise<void> {
  const { schema } = transaction;
  for (const column of ['token_expires', 'token_warned'] as const) {
    await schema
      .alterTable('signal_receivers')
      .addColumn(column, 'integer', (added) => added.notNull().defaultTo(0))
      .execute();
  }
  await schema.alterTable('signal_receivers').addColumn('former_token_hash', 'text').execute();
  await schema.alterTable('signal_receivers').addColumn('former_token_expires', 'integer').execute();
  await transaction
    .updateTable('signal_receivers')
    .set(({ eb }) => ({ token_expires: eb('created', '+', 365 * 86_400) }))
    .execute();
  await schema
    .createIndex('signal_receivers_by_former_token')
    .on('signal_receivers')
    .columns(['former_token_hash'])
    .execute();
}
