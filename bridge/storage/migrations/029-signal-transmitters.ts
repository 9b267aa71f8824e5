import type { Transaction } from '../database.ts';

/** Who sends signals about the people of a connection. */
export async function up({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('signal_transmitters')
    .addColumn('connection', 'text', (column) =>
      // Another connection of the same id must not begin with somebody's right to speak of its people.
      column.primaryKey().notNull().references('connections.id').onDelete('cascade'),
    )
    .addColumn('issuer', 'text', (column) => column.notNull())
    .addColumn('jwks_uri', 'text', (column) => column.notNull())
    .addColumn('audience', 'text', (column) => column.notNull())
    .addColumn('subject_issuer', 'text')
    .addColumn('effects', 'text', (column) => column.notNull())
    .addColumn('token_hash', 'text', (column) => column.notNull())
    .addColumn('created', 'integer', (column) => column.notNull())
    .addColumn('changed', 'integer', (column) => column.notNull())
    .addColumn('last_signal', 'integer')
    .execute();
  // An address leads to a person; whether they are known through the connection must not read all of its people.
  await schema
    .createIndex('upstream_identities_by_person')
    .on('upstream_identities')
    .columns(['sub', 'connection_id'])
    .execute();
}
