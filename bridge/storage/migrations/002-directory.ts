import type { Transaction } from '../database.ts';

export async function up(transaction: Transaction): Promise<void> {
  await createPersons(transaction);
  await createKeys(transaction);
  await createDomains(transaction);
}

async function createPersons({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('persons')
    .addColumn('sub', 'text', (column) => column.primaryKey().notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('name', 'text')
    .addColumn('assurance', 'text', (column) => column.notNull())
    .addColumn('generation', 'integer', (column) => column.notNull())
    .addColumn('key_version', 'integer')
    .addColumn('created', 'integer', (column) => column.notNull())
    .execute();
  await schema
    .createTable('addresses')
    .addColumn('address', 'text', (column) => column.primaryKey().notNull())
    .addColumn('domain', 'text', (column) => column.notNull())
    .addColumn('sub', 'text', (column) => column.notNull().references('persons.sub'))
    .addColumn('connection_id', 'text', (column) => column.notNull())
    .addColumn('is_primary', 'integer', (column) => column.notNull())
    .addColumn('since', 'integer', (column) => column.notNull())
    .addColumn('last_asserted', 'integer', (column) => column.notNull())
    .execute();
  await schema.createIndex('addresses_by_sub').on('addresses').column('sub').execute();
  await schema
    .createTable('upstream_identities')
    .addColumn('connection_id', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('sub', 'text', (column) => column.notNull().references('persons.sub'))
    .addColumn('linked', 'integer', (column) => column.notNull())
    .addColumn('last_sign_in', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('upstream_identities_key', ['connection_id', 'subject'])
    .execute();
}

async function createKeys({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('person_keys')
    .addColumn('sub', 'text', (column) => column.primaryKey().notNull().references('persons.sub'))
    .addColumn('address', 'text', (column) => column.notNull().unique())
    .addColumn('key_version', 'integer', (column) => column.notNull())
    .addColumn('keys', 'text', (column) => column.notNull())
    .addColumn('share', 'blob', (column) => column.notNull())
    .addColumn('vault', 'blob', (column) => column.notNull())
    .execute();
  await schema
    .createTable('statements')
    .addColumn('address', 'text', (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('sub', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('signed', 'text', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('since', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('statements_key', ['address', 'version'])
    .execute();
  await schema.createIndex('statements_by_sub').on('statements').column('sub').execute();
  await schema
    .createTable('devices')
    .addColumn('device_id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('sub', 'text', (column) => column.notNull().references('persons.sub'))
    .addColumn('label', 'text', (column) => column.notNull())
    .addColumn('keys', 'text', (column) => column.notNull())
    .addColumn('endorsement', 'text', (column) => column.notNull())
    .addColumn('key_version', 'integer', (column) => column.notNull())
    .addColumn('transform_key', 'blob', (column) => column.notNull())
    .addColumn('generation', 'integer', (column) => column.notNull())
    .addColumn('added', 'integer', (column) => column.notNull())
    .addColumn('last_seen', 'integer', (column) => column.notNull())
    .execute();
  await schema.createIndex('devices_by_sub').on('devices').column('sub').execute();
}

async function createDomains({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('domains')
    .addColumn('domain', 'text', (column) => column.primaryKey().notNull())
    .addColumn('challenge', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('added', 'integer', (column) => column.notNull())
    .addColumn('verified', 'integer')
    .addColumn('checked', 'integer')
    .addColumn('failures', 'integer', (column) => column.notNull())
    .execute();
  await schema
    .createTable('connection_domains')
    .addColumn('connection_id', 'text', (column) => column.notNull())
    .addColumn('domain', 'text', (column) => column.notNull().references('domains.domain'))
    .addPrimaryKeyConstraint('connection_domains_key', ['connection_id', 'domain'])
    .execute();
}
