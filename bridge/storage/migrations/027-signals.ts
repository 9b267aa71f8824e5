import type { Transaction } from '../database.ts';

/** Signals to partners and to registered receivers, and of whom partners know. */
export async function up({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('signal_contacts')
    .addColumn('partner', 'text', (column) => column.notNull())
    .addColumn('address', 'text', (column) => column.notNull())
    .addColumn('seen', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('signal_contacts_pair', ['address', 'partner'])
    .execute();
  await schema.createIndex('signal_contacts_by_seen').on('signal_contacts').columns(['seen']).execute();
  await schema
    .createTable('signal_receivers')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('audience', 'text', (column) => column.notNull())
    .addColumn('token_hash', 'text', (column) => column.notNull().unique())
    .addColumn('subject_format', 'text', (column) => column.notNull())
    .addColumn('domains', 'text')
    .addColumn('held', 'text')
    .addColumn('endpoint_host', 'text')
    .addColumn('created', 'integer', (column) => column.notNull())
    .execute();
  await schema
    .createTable('signal_streams')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('receiver', 'text', (column) => column.notNull().unique())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('method', 'text', (column) => column.notNull())
    .addColumn('endpoint_url', 'text')
    .addColumn('authorization', 'blob')
    .addColumn('events_requested', 'text', (column) => column.notNull())
    .addColumn('description', 'text')
    .addColumn('verified', 'integer')
    .addColumn('created', 'integer', (column) => column.notNull())
    .execute();
  await schema
    .createTable('signal_exclusions')
    .addColumn('stream', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('signal_exclusions_pair', ['stream', 'subject'])
    .execute();
  await createQueues(schema);
}

async function createQueues(schema: Transaction['schema']): Promise<void> {
  await schema
    .createTable('signal_progress')
    .addColumn('id', 'integer', (column) => column.primaryKey().notNull())
    .addColumn('seq', 'integer', (column) => column.notNull())
    .execute();
  await schema
    .createTable('signal_queues')
    .addColumn('queue', 'text', (column) => column.primaryKey().notNull())
    .addColumn('tail', 'integer', (column) => column.notNull())
    .addColumn('holder', 'text')
    .addColumn('held_until', 'integer', (column) => column.notNull())
    .addColumn('sent', 'integer', (column) => column.notNull())
    .addColumn('given_up', 'integer', (column) => column.notNull())
    .addColumn('failures', 'integer', (column) => column.notNull())
    .addColumn('last_success', 'integer')
    .addColumn('error_time', 'integer')
    .addColumn('error_code', 'text')
    .addColumn('error_detail', 'text')
    .execute();
  await schema
    .createTable('signal_outbox')
    .addColumn('queue', 'text', (column) => column.notNull())
    .addColumn('position', 'integer', (column) => column.notNull())
    .addColumn('jti', 'text', (column) => column.notNull().unique())
    .addColumn('claims', 'text', (column) => column.notNull())
    .addColumn('created', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('signal_outbox_place', ['queue', 'position'])
    .execute();
  await schema
    .createTable('signal_levels')
    .addColumn('sub', 'text', (column) => column.primaryKey().notNull())
    .addColumn('level', 'text', (column) => column.notNull())
    .execute();
  await schema
    .createTable('signal_keys')
    .addColumn('kid', 'text', (column) => column.primaryKey().notNull())
    .addColumn('jwk', 'text', (column) => column.notNull())
    .addColumn('sealed', 'blob', (column) => column.notNull())
    .addColumn('created', 'integer', (column) => column.notNull())
    .execute();
}
