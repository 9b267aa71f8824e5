import type { Transaction } from '../database.ts';

/** The policy: its versions, drafts of the next one, what was decided lately; and what administrators are. */
export async function up({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('policy_versions')
    .addColumn('version', 'integer', (column) => column.primaryKey())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('content', 'text', (column) => column.notNull())
    .addColumn('bundle', 'text', (column) => column.notNull())
    .addColumn('activated', 'integer', (column) => column.notNull())
    .addColumn('activated_by', 'text', (column) => column.notNull())
    .addColumn('draft', 'text')
    .execute();
  await schema.createIndex('policy_versions_by_hash').on('policy_versions').columns(['hash']).execute();
  await schema
    .createTable('policy_drafts')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('content', 'text', (column) => column.notNull())
    .addColumn('based_on', 'integer', (column) => column.notNull())
    .addColumn('note', 'text', (column) => column.notNull())
    .addColumn('author', 'text', (column) => column.notNull())
    .addColumn('author_name', 'text', (column) => column.notNull())
    .addColumn('author_root', 'text', (column) => column.notNull())
    .addColumn('author_root_name', 'text', (column) => column.notNull())
    .addColumn('administrators', 'integer', (column) => column.notNull())
    .addColumn('created', 'integer', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .execute();
  await schema
    .createTable('policy_approvals')
    .addColumn('draft', 'text', (column) => column.notNull())
    .addColumn('administrator', 'text', (column) => column.notNull())
    .addColumn('administrator_name', 'text', (column) => column.notNull())
    .addColumn('root', 'text', (column) => column.notNull())
    .addColumn('root_name', 'text', (column) => column.notNull())
    .addColumn('approved', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('policy_approvals_once', ['draft', 'administrator'])
    .execute();
  await schema
    .createTable('policy_decisions')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('decided', 'integer', (column) => column.notNull())
    .addColumn('action', 'text', (column) => column.notNull())
    .addColumn('effect', 'text', (column) => column.notNull())
    .addColumn('policy', 'text', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('principal', 'text', (column) => column.notNull())
    .addColumn('resource', 'text', (column) => column.notNull())
    .addColumn('owner', 'text')
    .addColumn('request', 'text', (column) => column.notNull())
    .addColumn('answer', 'text', (column) => column.notNull())
    .addColumn('times', 'integer', (column) => column.notNull())
    .execute();
  await schema.createIndex('policy_decisions_by_time').on('policy_decisions').columns(['decided']).execute();
  await schema
    .createIndex('policy_decisions_by_effect')
    .on('policy_decisions')
    .columns(['effect', 'id'])
    .execute();
  await schema
    .alterTable('administrator_tokens')
    .addColumn('roles', 'text', (column) => column.notNull().defaultTo('["owner"]'))
    .execute();
  await schema.alterTable('partners').addColumn('policy', 'text').execute();
  await schema
    .alterTable('bootstrap_links')
    .addColumn('roles', 'text', (column) => column.notNull().defaultTo('["owner"]'))
    .execute();
}
