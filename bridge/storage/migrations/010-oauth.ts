import type { Transaction } from '../database.ts';

export async function up({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('apps')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('redirect_uris', 'text', (column) => column.notNull())
    .addColumn('cors_origins', 'text', (column) => column.notNull())
    .addColumn('created', 'integer', (column) => column.notNull())
    .execute();
  await schema
    .createTable('oauth_records')
    .addColumn('model', 'text', (column) => column.notNull())
    .addColumn('id_hash', 'text', (column) => column.notNull())
    .addColumn('payload', 'text', (column) => column.notNull())
    .addColumn('grant_id', 'text')
    .addColumn('account_id', 'text')
    .addColumn('app_id', 'text')
    .addColumn('jkt', 'text')
    .addColumn('expires', 'integer', (column) => column.notNull())
    .addColumn('consumed', 'integer')
    .addPrimaryKeyConstraint('oauth_records_pk', ['model', 'id_hash'])
    .execute();
  for (const column of ['grant_id', 'account_id', 'app_id', 'jkt', 'expires']) {
    await schema.createIndex(`oauth_records_by_${column}`).on('oauth_records').column(column).execute();
  }
  await schema
    .createTable('oauth_grants')
    .addColumn('grant_id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('sub', 'text', (column) => column.notNull())
    .addColumn('app_id', 'text', (column) => column.notNull())
    .addColumn('connection_id', 'text', (column) => column.notNull())
    .addColumn('sign_in', 'text', (column) => column.notNull())
    .addColumn('created', 'integer', (column) => column.notNull())
    .execute();
  for (const column of ['sub', 'app_id']) {
    await schema.createIndex(`oauth_grants_by_${column}`).on('oauth_grants').column(column).execute();
  }
}
