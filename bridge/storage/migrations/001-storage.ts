import type { Transaction } from '../database.ts';

export async function up(transaction: Transaction): Promise<void> {
  await transaction.schema
    .createTable('meta')
    .addColumn('key', 'text', (column) => column.primaryKey().notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .execute();
}
