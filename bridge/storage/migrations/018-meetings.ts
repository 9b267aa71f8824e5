import type { Transaction } from '../database.ts';

/** The relay of meetings whose group is kept here. */
export async function up({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('meetings')
    .addColumn('group_id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('term', 'integer', (column) => column.notNull())
    .addColumn('epoch', 'integer', (column) => column.notNull())
    .addColumn('head', 'text')
    .addColumn('rekey', 'text')
    .addColumn('host_sub', 'text')
    .addColumn('host_device', 'text')
    .addColumn('seq', 'integer', (column) => column.notNull())
    .addColumn('told', 'integer', (column) => column.notNull())
    .addColumn('pruned', 'integer', (column) => column.notNull())
    .addColumn('size', 'integer', (column) => column.notNull())
    .execute();
  await schema
    .createTable('meeting_messages')
    .addColumn('group_id', 'text', (column) => column.notNull().references('meetings.group_id'))
    .addColumn('seq', 'integer', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('iss', 'text')
    .addColumn('device_id', 'text')
    .addColumn('epoch', 'integer')
    .addColumn('body', 'text', (column) => column.notNull())
    .addColumn('size', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('meeting_messages_key', ['group_id', 'seq'])
    .execute();
  await schema
    .createIndex('meeting_messages_by_epoch')
    .on('meeting_messages')
    .columns(['group_id', 'epoch'])
    .execute();
  await schema
    .createTable('meeting_participants')
    .addColumn('group_id', 'text', (column) => column.notNull().references('meetings.group_id'))
    .addColumn('iss', 'text', (column) => column.notNull())
    .addColumn('device_id', 'text', (column) => column.notNull())
    .addColumn('sub', 'text', (column) => column.notNull())
    .addColumn('via', 'text', (column) => column.notNull())
    .addColumn('evidence', 'text', (column) => column.notNull())
    .addColumn('seq', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('meeting_participants_key', ['group_id', 'iss', 'device_id'])
    .execute();
  await schema
    .createIndex('meeting_participants_by_person')
    .on('meeting_participants')
    .columns(['iss', 'sub'])
    .execute();
  await schema
    .createIndex('meeting_participants_by_device')
    .on('meeting_participants')
    .columns(['device_id', 'iss'])
    .execute();
  await schema
    .createTable('meeting_places')
    .addColumn('group_id', 'text', (column) => column.notNull().references('meetings.group_id'))
    .addColumn('leaf', 'integer', (column) => column.notNull())
    .addColumn('iss', 'text', (column) => column.notNull())
    .addColumn('sub', 'text', (column) => column.notNull())
    .addColumn('device_id', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('meeting_places_key', ['group_id', 'leaf'])
    .execute();
}
