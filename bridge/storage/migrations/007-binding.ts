import type { Transaction } from '../database.ts';

export async function up({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('enrolments')
    .addColumn('enrolment_id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('sub', 'text', (column) => column.notNull().references('persons.sub'))
    .addColumn('request_id', 'text', (column) => column.notNull())
    .addColumn('request_hash', 'text', (column) => column.notNull())
    .addColumn('device_id', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('sealed', 'blob', (column) => column.notNull())
    .addColumn('confirmation_hash', 'text')
    .addColumn('created', 'integer', (column) => column.notNull())
    .addColumn('expires', 'integer', (column) => column.notNull())
    .addUniqueConstraint('enrolments_once', ['sub', 'request_id'])
    .execute();
  await schema.createIndex('enrolments_by_expiry').on('enrolments').column('expires').execute();
  await schema
    .createTable('device_requests')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('sub', 'text', (column) => column.notNull().references('persons.sub'))
    .addColumn('device_id', 'text', (column) => column.notNull())
    .addColumn('request_id', 'text', (column) => column.notNull())
    .addColumn('request_hash', 'text', (column) => column.notNull())
    .addColumn('keys', 'text', (column) => column.notNull())
    .addColumn('label', 'text', (column) => column.notNull())
    .addColumn('method', 'text', (column) => column.notNull())
    .addColumn('commitment', 'text')
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('approver_device', 'text')
    .addColumn('approver_sig', 'text')
    .addColumn('approver_nonce', 'text')
    .addColumn('device_nonce', 'text')
    .addColumn('sign_in', 'text', (column) => column.notNull())
    .addColumn('created', 'integer', (column) => column.notNull())
    .addColumn('expires', 'integer', (column) => column.notNull())
    .addUniqueConstraint('device_requests_once', ['sub', 'request_id'])
    .execute();
  await schema.createIndex('device_requests_by_expiry').on('device_requests').column('expires').execute();
  await schema
    .createTable('device_sign_ins')
    .addColumn('sub', 'text', (column) => column.primaryKey().notNull().references('persons.sub'))
    .addColumn('sign_in', 'text', (column) => column.notNull())
    .execute();
}
