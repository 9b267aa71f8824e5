import type { Transaction } from '../database.ts';

/** Versions in the key log whose names a recovered store does not know: who comes back finds them by their place in the map. */
export async function up({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('lost_entries')
    .addColumn('output', 'text', (column) => column.primaryKey().notNull())
    .addColumn('commitment', 'blob', (column) => column.notNull())
    .addColumn('position', 'integer', (column) => column.notNull())
    .addColumn('epoch', 'integer', (column) => column.notNull())
    .execute();
}
