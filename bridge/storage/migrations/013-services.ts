import type { Transaction } from '../database.ts';

/** Gateways, recorders and bots: registered by an administrator, with keys of their own. */
export async function up({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('services')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('sub', 'text', (column) => column.notNull().unique())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('assurance', 'text', (column) => column.notNull())
    .addColumn('address', 'text', (column) => column.notNull())
    .addColumn('jwks', 'text', (column) => column.notNull())
    .addColumn('created', 'integer', (column) => column.notNull())
    .execute();
}
