import type { Transaction } from '../database.ts';

/** Up to where meetings here were told of events: a fresh start goes on from there. */
export async function up({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('meeting_progress')
    .addColumn('id', 'integer', (column) => column.primaryKey().notNull())
    .addColumn('seq', 'integer', (column) => column.notNull())
    .execute();
}
