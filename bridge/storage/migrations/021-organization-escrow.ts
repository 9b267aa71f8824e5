import type { Transaction } from '../database.ts';

/** The organization's recovery key, in halves, and recoveries that two administrators approve. */
export async function up({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('recovery_halves')
    .addColumn('half', 'text', (column) => column.primaryKey())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('slot', 'integer', (column) => column.notNull().unique())
    .addColumn('admin', 'text', (column) => column.notNull().unique())
    .addColumn('admin_name', 'text', (column) => column.notNull())
    .addColumn('registered', 'integer', (column) => column.notNull())
    .execute();
  await schema
    .createTable('recoveries')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('sub', 'text', (column) => column.notNull())
    .addColumn('address', 'text', (column) => column.notNull())
    .addColumn('key_version', 'integer', (column) => column.notNull())
    .addColumn('device_id', 'text', (column) => column.notNull())
    .addColumn('request_id', 'text', (column) => column.notNull())
    .addColumn('request_hash', 'text', (column) => column.notNull())
    .addColumn('keys', 'text', (column) => column.notNull())
    .addColumn('label', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('approvals', 'integer', (column) => column.notNull())
    .addColumn('created', 'integer', (column) => column.notNull())
    .addColumn('expires', 'integer', (column) => column.notNull())
    .addUniqueConstraint('recoveries_request', ['sub', 'request_id'])
    .execute();
  await schema.createIndex('recoveries_by_status').on('recoveries').columns(['status', 'expires']).execute();
  await schema
    .createTable('recovery_shares')
    .addColumn('recovery', 'text', (column) => column.notNull())
    .addColumn('half', 'text', (column) => column.notNull())
    .addColumn('admin', 'text', (column) => column.notNull())
    .addColumn('share', 'blob', (column) => column.notNull())
    .addPrimaryKeyConstraint('recovery_shares_half', ['recovery', 'half'])
    .addUniqueConstraint('recovery_shares_admin', ['recovery', 'admin'])
    .execute();
}
