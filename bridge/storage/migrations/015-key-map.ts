import { sql } from 'kysely';
import type { Transaction } from '../database.ts';

/**
 * The map of the key log. What was logged before gets its commitment and its place from the first epochs; until then
 * it is handed out as it was, so that an upgrade is no outage.
 */
export async function up(transaction: Transaction): Promise<void> {
  const { schema } = transaction;
  await countRecordsFromZero(transaction);
  await schema.alterTable('logged_versions').addColumn('opening', 'blob').execute();
  await schema.alterTable('logged_versions').addColumn('commitment', 'blob').execute();
  await schema.alterTable('logged_versions').addColumn('epoch', 'integer').execute();
  await schema
    .alterTable('logged_versions')
    .addColumn('earlier', 'integer', (column) => column.notNull().defaultTo(1))
    .execute();

  await schema
    .createTable('vrf_proofs')
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('output', 'blob', (column) => column.notNull())
    .addColumn('proof', 'blob', (column) => column.notNull())
    .addPrimaryKeyConstraint('vrf_proofs_key', ['kind', 'name', 'version'])
    .execute();

  await schema
    .createTable('map_pages')
    .addColumn('path', 'text', (column) => column.notNull())
    .addColumn('epoch', 'integer', (column) => column.notNull())
    .addColumn('until', 'integer')
    .addColumn('bytes', 'blob', (column) => column.notNull())
    .addPrimaryKeyConstraint('map_pages_key', ['path', 'epoch'])
    .execute();
  await schema
    .createIndex('map_pages_replaced')
    .on('map_pages')
    .column('until')
    .where(sql<boolean>`until is not null`)
    .execute();

  await schema
    .createTable('log_epochs')
    .addColumn('epoch', 'integer', (column) => column.primaryKey().notNull())
    .addColumn('time_ms', 'integer', (column) => column.notNull())
    .addColumn('leaves', 'integer', (column) => column.notNull())
    .addColumn('prefix_root', 'blob', (column) => column.notNull())
    .addColumn('size', 'integer', (column) => column.notNull().unique())
    .addColumn('pages_kept', 'integer', (column) => column.notNull())
    .execute();

  await schema
    .createIndex('log_epochs_kept')
    .on('log_epochs')
    .column('epoch')
    .where(sql<boolean>`pages_kept = 1`)
    .execute();

  await schema
    .createTable('log_secrets')
    .addColumn('name', 'text', (column) => column.primaryKey().notNull())
    .addColumn('sealed', 'blob', (column) => column.notNull())
    .execute();
}

/**
 * Records of issuers are logged from 0 on, where ladders begin; until now they were from 1 on. By way of negative
 * numbers, since rows are changed one by one and must not meet.
 */
async function countRecordsFromZero(transaction: Transaction): Promise<void> {
  const records = transaction.updateTable('logged_versions').where('kind', '=', 'trust-change');
  await records.set({ version: sql`-version` }).execute();
  await records.set({ version: sql`-version - 1` }).execute();
}
