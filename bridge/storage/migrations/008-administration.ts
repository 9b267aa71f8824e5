import type { Transaction } from '../database.ts';

export async function up({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('administrator_tokens')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull().unique())
    .addColumn('created', 'integer', (column) => column.notNull())
    .addColumn('expires', 'integer', (column) => column.notNull())
    .execute();
  await schema
    .createTable('bootstrap_links')
    .addColumn('hash', 'text', (column) => column.primaryKey().notNull())
    .addColumn('created', 'integer', (column) => column.notNull())
    .addColumn('expires', 'integer', (column) => column.notNull())
    .execute();
}
