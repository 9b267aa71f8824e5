import type { Transaction } from '../database.ts';

/**
 * Rotations of persons’ keys: those that were asked for, and when one is due because a device was removed. And the
 * key-encryption key that is being replaced.
 */
export async function up({ schema }: Transaction): Promise<void> {
  await schema.alterTable('signer').addColumn('previous_kek_id', 'text').execute();
  await schema.alterTable('person_keys').addColumn('removed', 'integer').execute();

  await schema
    .createTable('rotations')
    .addColumn('sub', 'text', (column) => column.notNull())
    .addColumn('request_id', 'text', (column) => column.notNull())
    .addColumn('request_hash', 'text', (column) => column.notNull())
    .addColumn('device_id', 'text', (column) => column.notNull())
    .addColumn('address', 'text', (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('created', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('rotations_key', ['sub', 'request_id'])
    .execute();
  await schema.createIndex('rotations_by_status').on('rotations').columns(['status', 'created']).execute();
}
