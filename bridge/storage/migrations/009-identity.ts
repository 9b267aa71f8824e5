import type { Transaction } from '../database.ts';

export async function up({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('connections')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('protocol', 'text', (column) => column.notNull())
    .addColumn('assurance', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('settings', 'text', (column) => column.notNull())
    .addColumn('secret', 'blob')
    .addColumn('fingerprint', 'text', (column) => column.notNull())
    .addColumn('tested_fingerprint', 'text')
    .addColumn('tested', 'integer')
    .addColumn('created', 'integer', (column) => column.notNull())
    .addColumn('changed', 'integer', (column) => column.notNull())
    .execute();
  await schema
    .createTable('sign_in_traces')
    .addColumn('trace_id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('code', 'text', (column) => column.notNull())
    .addColumn('connection_id', 'text')
    .addColumn('time', 'integer', (column) => column.notNull())
    .addColumn('detail', 'text')
    .execute();
  await schema.createIndex('sign_in_traces_by_time').on('sign_in_traces').column('time').execute();
}
