import type { Transaction } from '../database.ts';

export async function up(transaction: Transaction): Promise<void> {
  await transaction.schema
    .createTable('one_time')
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('one_time_pk', ['kind', 'id'])
    .execute();
  await transaction.schema.createIndex('one_time_by_expiry').on('one_time').column('expires_at').execute();
}
