import type { Transaction } from '../database.ts';

/** Which devices of ours are in meetings that partners keep, so that a restriction reaches those after a restart too. */
export async function up({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('meetings_abroad')
    .addColumn('home', 'text', (column) => column.notNull())
    .addColumn('group_id', 'text', (column) => column.notNull())
    .addColumn('device_id', 'text', (column) => column.notNull())
    .addColumn('sub', 'text', (column) => column.notNull())
    .addColumn('noted', 'integer', (column) => column.notNull())
    .addColumn('leaving', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('meetings_abroad_place', ['home', 'group_id', 'device_id'])
    .execute();
  await schema.createIndex('meetings_abroad_by_sub').on('meetings_abroad').columns(['sub']).execute();
  await schema
    .createIndex('meetings_abroad_by_device')
    .on('meetings_abroad')
    .columns(['device_id'])
    .execute();
  await schema
    .createIndex('meetings_abroad_by_leaving')
    .on('meetings_abroad')
    .columns(['leaving', 'noted'])
    .execute();
}
