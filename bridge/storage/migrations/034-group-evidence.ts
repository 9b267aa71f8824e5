import type { Transaction } from '../database.ts';

/** Whose device signed for a group, as of when it did: the group outlives the device. */
export async function up({ schema }: Transaction): Promise<void> {
  await schema.alterTable('group_tokens').addColumn('stored', 'integer').execute();
  await schema
    .createTable('group_evidence')
    .addColumn('group_id', 'text', (column) => column.notNull().references('groups.group_id'))
    .addColumn('sub', 'text', (column) => column.notNull())
    .addColumn('device_id', 'text', (column) => column.notNull())
    .addColumn('made', 'integer', (column) => column.notNull())
    .addColumn('expires', 'integer', (column) => column.notNull())
    .addColumn('evidence', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('group_evidence_key', ['group_id', 'device_id', 'made'])
    .execute();
  await schema.createIndex('group_evidence_by_sub').on('group_evidence').column('sub').execute();
}
