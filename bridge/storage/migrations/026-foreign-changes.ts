import type { Transaction } from '../database.ts';

/** What partners tell of their addresses. */
export async function up({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('foreign_changes')
    .addColumn('address', 'text', (column) => column.primaryKey().notNull())
    .addColumn('partner', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('noted', 'integer', (column) => column.notNull())
    .execute();
}
