import type { Transaction } from '../database.ts';

/** How much of a log everybody has been shown: nobody is ever shown less. */
export async function up({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('log_publications')
    .addColumn('log', 'text', (column) => column.primaryKey().notNull())
    .addColumn('size', 'integer', (column) => column.notNull())
    .execute();
}
