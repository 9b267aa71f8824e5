import type { Transaction } from '../database.ts';

export async function up(transaction: Transaction): Promise<void> {
  await transaction.schema
    .createTable('signer')
    .addColumn('id', 'integer', (column) => column.primaryKey().notNull())
    .addColumn('iss', 'text', (column) => column.notNull())
    .addColumn('root_thumbprint', 'text', (column) => column.notNull())
    .addColumn('kek_id', 'text', (column) => column.notNull())
    .addColumn('serial', 'integer', (column) => column.notNull())
    .addColumn('online_keys', 'text', (column) => column.notNull())
    .execute();
  await transaction.schema
    .createTable('signer_keys')
    .addColumn('thumbprint', 'text', (column) => column.primaryKey().notNull())
    .addColumn('purpose', 'text', (column) => column.notNull())
    .addColumn('sealed', 'blob', (column) => column.notNull())
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .execute();
  await transaction.schema
    .createTable('saml_keys')
    .addColumn('role', 'text', (column) => column.primaryKey().notNull())
    .addColumn('certificate', 'text', (column) => column.notNull())
    .addColumn('sealed', 'blob', (column) => column.notNull())
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .execute();
}
