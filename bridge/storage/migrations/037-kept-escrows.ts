import type { Transaction } from '../database.ts';

/** What closed persons had escrowed to the organization, and who asks to read with it. */
export async function up({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('kept_escrows')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('sub', 'text', (column) => column.notNull())
    .addColumn('address', 'text', (column) => column.notNull())
    .addColumn('key_version', 'integer', (column) => column.notNull())
    .addColumn('statement', 'text', (column) => column.notNull())
    .addColumn('sealed', 'blob', (column) => column.notNull())
    .addColumn('closed', 'integer', (column) => column.notNull())
    .addUniqueConstraint('kept_escrows_keys', ['sub', 'key_version'])
    .execute();
  await schema.createIndex('kept_escrows_by_time').on('kept_escrows').columns(['closed', 'id']).execute();
  await schema
    .alterTable('recoveries')
    .addColumn('purpose', 'text', (column) => column.notNull().defaultTo('recovery'))
    .execute();
  await schema.alterTable('recoveries').addColumn('kept', 'text').execute();
}
