import type { Transaction } from '../database.ts';

/** Groups kept at this bridge, who is in them, and what is sealed to them and to our people. */
export async function up(transaction: Transaction): Promise<void> {
  await createGroups(transaction);
  await createMembers(transaction);
  await createRequests(transaction);
  await createSealedKeys(transaction);
}

async function createGroups({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('groups')
    .addColumn('group_id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('label', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('ends', 'integer')
    .addColumn('creator', 'text', (column) => column.notNull())
    .addColumn('group_key', 'text', (column) => column.notNull())
    .addColumn('signer', 'text', (column) => column.notNull())
    .addColumn('key_version', 'integer', (column) => column.notNull())
    .addColumn('seq', 'integer', (column) => column.notNull())
    .addColumn('head', 'text', (column) => column.notNull())
    .addColumn('members_seq', 'integer', (column) => column.notNull())
    .addColumn('members_head', 'text')
    .addColumn('share', 'blob')
    .addColumn('generation', 'integer', (column) => column.notNull())
    .addColumn('created', 'integer', (column) => column.notNull())
    .addColumn('ended', 'integer')
    .execute();
  await schema.createIndex('groups_by_end').on('groups').columns(['status', 'ends']).execute();
  await schema.createIndex('groups_by_creator').on('groups').columns(['creator', 'status']).execute();
  await schema
    .createTable('group_tokens')
    .addColumn('group_id', 'text', (column) => column.notNull().references('groups.group_id'))
    .addColumn('seq', 'integer', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('token', 'text', (column) => column.notNull())
    .addColumn('sub', 'text', (column) => column.notNull())
    .addColumn('device_id', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('group_tokens_key', ['group_id', 'seq'])
    .execute();
  await schema
    .createTable('group_token_admins')
    .addColumn('group_id', 'text', (column) => column.notNull().references('groups.group_id'))
    .addColumn('seq', 'integer', (column) => column.notNull())
    .addColumn('sub', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('group_token_admins_key', ['group_id', 'seq', 'sub'])
    .execute();
  await schema.createIndex('group_token_admins_by_sub').on('group_token_admins').column('sub').execute();
  await schema
    .createTable('group_admins')
    .addColumn('group_id', 'text', (column) => column.notNull().references('groups.group_id'))
    .addColumn('sub', 'text', (column) => column.notNull().references('persons.sub'))
    .addColumn('address', 'text', (column) => column.notNull())
    .addColumn('position', 'integer', (column) => column.notNull())
    .addColumn('key_version', 'integer', (column) => column.notNull())
    .addColumn('vault', 'blob')
    .addPrimaryKeyConstraint('group_admins_key', ['group_id', 'sub'])
    .execute();
  await schema.createIndex('group_admins_by_sub').on('group_admins').column('sub').execute();
}

async function createMembers({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('group_members')
    .addColumn('group_id', 'text', (column) => column.notNull().references('groups.group_id'))
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('iss', 'text', (column) => column.notNull())
    .addColumn('member_id', 'text', (column) => column.notNull())
    .addColumn('key_version', 'integer', (column) => column.notNull())
    .addColumn('group_key_version', 'integer', (column) => column.notNull())
    .addColumn('transform_key', 'blob', (column) => column.notNull())
    .addColumn('generation', 'integer', (column) => column.notNull())
    .addColumn('added', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('group_members_key', ['group_id', 'kind', 'iss', 'member_id'])
    .execute();
  await schema
    .createIndex('group_members_by_member')
    .on('group_members')
    .columns(['member_id', 'iss', 'kind'])
    .execute();
  await schema
    .createIndex('group_members_by_generation')
    .on('group_members')
    .columns(['group_id', 'generation'])
    .execute();
  await schema
    .createTable('group_membership_tokens')
    .addColumn('group_id', 'text', (column) => column.notNull().references('groups.group_id'))
    .addColumn('seq', 'integer', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('token', 'text', (column) => column.notNull())
    .addColumn('iss', 'text', (column) => column.notNull())
    .addColumn('member_id', 'text', (column) => column.notNull())
    .addColumn('sub', 'text', (column) => column.notNull())
    .addColumn('device_id', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('group_membership_tokens_key', ['group_id', 'seq'])
    .execute();
  await schema
    .createIndex('group_membership_tokens_by_member')
    .on('group_membership_tokens')
    .columns(['member_id', 'iss'])
    .execute();
  await schema
    .createTable('group_exclusions')
    .addColumn('group_id', 'text', (column) => column.notNull().references('groups.group_id'))
    .addColumn('iss', 'text', (column) => column.notNull())
    .addColumn('sub', 'text', (column) => column.notNull())
    .addColumn('act', 'text', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('token', 'text', (column) => column.notNull())
    .addColumn('signer_sub', 'text', (column) => column.notNull())
    .addColumn('device_id', 'text', (column) => column.notNull())
    .addColumn('iat', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('group_exclusions_key', ['group_id', 'iss', 'sub'])
    .execute();
  await schema
    .createIndex('group_exclusions_by_sub')
    .on('group_exclusions')
    .columns(['sub', 'iss'])
    .execute();
}

async function createRequests({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('group_offers')
    .addColumn('offer_id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('sub', 'text', (column) => column.notNull().references('persons.sub'))
    .addColumn('request_id', 'text', (column) => column.notNull())
    .addColumn('request_hash', 'text', (column) => column.notNull())
    .addColumn('device_id', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('sealed', 'blob', (column) => column.notNull())
    .addColumn('confirmation_hash', 'text')
    .addColumn('created', 'integer', (column) => column.notNull())
    .addColumn('expires', 'integer', (column) => column.notNull())
    .addUniqueConstraint('group_offers_once', ['sub', 'request_id'])
    .execute();
  await schema.createIndex('group_offers_by_expiry').on('group_offers').column('expires').execute();
  await schema
    .createTable('group_requests')
    .addColumn('sub', 'text', (column) => column.notNull().references('persons.sub'))
    .addColumn('request_id', 'text', (column) => column.notNull())
    .addColumn('request_hash', 'text', (column) => column.notNull())
    .addColumn('answer', 'text', (column) => column.notNull())
    .addColumn('created', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('group_requests_key', ['sub', 'request_id'])
    .execute();
  await schema.createIndex('group_requests_by_age').on('group_requests').column('created').execute();
}

async function createSealedKeys({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('sealed_keys')
    .addColumn('recipient_kind', 'text', (column) => column.notNull())
    .addColumn('recipient', 'text', (column) => column.notNull())
    .addColumn('key_id', 'text', (column) => column.notNull())
    .addColumn('iss', 'text', (column) => column.notNull())
    .addColumn('sub', 'text', (column) => column.notNull())
    .addColumn('device_id', 'text', (column) => column.notNull())
    .addColumn('address', 'text')
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('token', 'text', (column) => column.notNull())
    .addColumn('encrypted', 'blob', (column) => column.notNull())
    .addColumn('evidence', 'text')
    .addColumn('term', 'integer')
    .addColumn('epoch', 'integer')
    .addColumn('members', 'text')
    .addColumn('created', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('sealed_keys_key', ['recipient_kind', 'recipient', 'key_id'])
    .execute();
  await schema
    .createIndex('sealed_keys_by_age')
    .on('sealed_keys')
    .columns(['recipient_kind', 'recipient', 'created'])
    .execute();
  await schema.createIndex('sealed_keys_by_sealer').on('sealed_keys').columns(['iss', 'sub']).execute();
}
