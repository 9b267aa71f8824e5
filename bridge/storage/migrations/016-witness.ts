import type { Transaction } from '../database.ts';

/** Witnesses: what we cosigned of others' logs, our key for that, and how far others cosigned ours. */
export async function up({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('witnessed_logs')
    .addColumn('origin', 'text', (column) => column.primaryKey().notNull())
    .addColumn('origin_hash', 'text', (column) => column.notNull().unique())
    .addColumn('size', 'integer', (column) => column.notNull())
    .addColumn('root', 'text', (column) => column.notNull())
    .addColumn('note', 'text', (column) => column.notNull())
    .execute();

  await schema
    .createTable('witness_keys')
    .addColumn('name', 'text', (column) => column.primaryKey().notNull())
    .addColumn('public_key', 'blob', (column) => column.notNull())
    .addColumn('sealed', 'blob')
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .execute();

  await schema
    .createTable('log_witnesses')
    .addColumn('log', 'text', (column) => column.notNull())
    .addColumn('key_name', 'text', (column) => column.notNull())
    .addColumn('key_id', 'text', (column) => column.notNull())
    .addColumn('size', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('log_witnesses_key', ['log', 'key_name', 'key_id'])
    .execute();
}
