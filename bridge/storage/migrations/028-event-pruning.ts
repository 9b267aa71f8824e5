import type { Transaction } from '../database.ts';

/** How far the content of events is pruned. Their tree needs no table of its own: it stands beside that of the keys. */
export async function up({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('event_pruning')
    .addColumn('log', 'text', (column) => column.primaryKey().notNull())
    .addColumn('pruned', 'integer', (column) => column.notNull())
    .addColumn('time_ms', 'integer', (column) => column.notNull())
    .execute();
}
