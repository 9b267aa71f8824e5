import type { Transaction } from '../database.ts';

/** The tree of each log, as tiles; its checkpoints; and who cosigned them. */
export async function up(transaction: Transaction): Promise<void> {
  const { schema } = transaction;
  await schema
    .createTable('log_entry_bundles')
    .addColumn('log', 'text', (column) => column.notNull())
    .addColumn('index', 'integer', (column) => column.notNull())
    .addColumn('width', 'integer', (column) => column.notNull())
    .addColumn('bytes', 'blob', (column) => column.notNull())
    .addPrimaryKeyConstraint('log_entry_bundles_key', ['log', 'index'])
    .execute();

  await schema
    .createTable('log_tiles')
    .addColumn('log', 'text', (column) => column.notNull())
    .addColumn('level', 'integer', (column) => column.notNull())
    .addColumn('index', 'integer', (column) => column.notNull())
    .addColumn('bytes', 'blob', (column) => column.notNull())
    .addPrimaryKeyConstraint('log_tiles_key', ['log', 'level', 'index'])
    .execute();

  await schema
    .createTable('log_checkpoints')
    .addColumn('log', 'text', (column) => column.notNull())
    .addColumn('size', 'integer', (column) => column.notNull())
    .addColumn('root', 'text', (column) => column.notNull())
    .addColumn('epoch', 'integer', (column) => column.notNull())
    .addColumn('time_ms', 'integer', (column) => column.notNull())
    .addColumn('log_signature', 'text')
    .addPrimaryKeyConstraint('log_checkpoints_key', ['log', 'size'])
    .addUniqueConstraint('log_checkpoints_epoch', ['log', 'epoch'])
    .execute();

  await schema
    .createTable('log_cosignatures')
    .addColumn('log', 'text', (column) => column.notNull())
    .addColumn('size', 'integer', (column) => column.notNull())
    .addColumn('key_name', 'text', (column) => column.notNull())
    .addColumn('key_id', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('time', 'integer', (column) => column.notNull())
    .addColumn('line', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('log_cosignatures_key', ['log', 'size', 'key_name', 'key_id'])
    .execute();

  // Until now the key log was an order without a tree: what it holds is staged again, and becomes entries.
  await transaction.updateTable('logged_versions').set({ position: null }).execute();
  await transaction.deleteFrom('log_heads').where('log', '=', 'keys').execute();
}
