import type { Transaction } from '../database.ts';

export async function up({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('partners')
    .addColumn('entity_id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('root_thumbprint', 'text', (column) => column.notNull())
    .addColumn('domains', 'text', (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('organization_name', 'text', (column) => column.notNull())
    .addColumn('lookup_endpoint', 'text', (column) => column.notNull())
    .addColumn('online_keys', 'text', (column) => column.notNull())
    .addColumn('serial', 'integer', (column) => column.notNull())
    .addColumn('expires', 'integer', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('checked', 'integer', (column) => column.notNull())
    .execute();
}
