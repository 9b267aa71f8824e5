import { sql } from 'kysely';
import type { Transaction } from '../database.ts';

export async function up(transaction: Transaction): Promise<void> {
  await transaction.schema
    .createTable('log_heads')
    .addColumn('log', 'text', (column) => column.primaryKey().notNull())
    .addColumn('size', 'integer', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .execute();

  await transaction.schema
    .createTable('events')
    .addColumn('event_id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('seq', 'integer', (column) => column.unique())
    .addColumn('body', 'text', (column) => column.notNull())
    .addColumn('prev', 'text')
    .addColumn('hash', 'text')
    .execute();
  await transaction.schema
    .createIndex('events_staged')
    .on('events')
    .column('event_id')
    .where(sql<boolean>`seq is null`)
    .execute();

  await transaction.schema
    .createTable('event_cursors')
    .addColumn('sink', 'text', (column) => column.primaryKey().notNull())
    .addColumn('seq', 'integer', (column) => column.notNull())
    .execute();

  await transaction.schema
    .createTable('logged_versions')
    .addColumn('staged_id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('value', 'blob', (column) => column.notNull())
    .addColumn('value_hash', 'text', (column) => column.notNull())
    .addColumn('position', 'integer', (column) => column.unique())
    .addUniqueConstraint('logged_versions_once', ['kind', 'name', 'version'])
    .execute();
  await transaction.schema
    .createIndex('logged_versions_staged')
    .on('logged_versions')
    .column('staged_id')
    .where(sql<boolean>`position is null`)
    .execute();
}
