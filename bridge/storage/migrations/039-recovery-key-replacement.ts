import type { Transaction } from '../database.ts';

/** The organization's recovery key can be replaced: its halves by generations. And drills, which prove that halves work. */
export async function up(transaction: Transaction): Promise<void> {
  const { schema } = transaction;
  await schema
    .createTable('recovery_keys')
    .addColumn('generation', 'integer', (column) => column.primaryKey())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('begun', 'integer', (column) => column.notNull())
    .addColumn('signatures', 'text')
    .execute();
  await schema
    .createTable('recovery_key_halves')
    .addColumn('half', 'text', (column) => column.primaryKey())
    .addColumn('generation', 'integer', (column) => column.notNull())
    .addColumn('slot', 'integer', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('admin', 'text', (column) => column.notNull())
    .addColumn('admin_name', 'text', (column) => column.notNull())
    .addColumn('admin_root', 'text', (column) => column.notNull())
    .addColumn('admin_root_name', 'text', (column) => column.notNull())
    .addColumn('registered', 'integer', (column) => column.notNull())
    .addUniqueConstraint('recovery_key_halves_slot', ['generation', 'slot'])
    .execute();
  await schema
    .createTable('recovery_key_approvals')
    .addColumn('generation', 'integer', (column) => column.notNull())
    .addColumn('admin', 'text', (column) => column.notNull())
    .addColumn('admin_name', 'text', (column) => column.notNull())
    .addColumn('admin_root', 'text', (column) => column.notNull())
    .addColumn('admin_root_name', 'text', (column) => column.notNull())
    .addColumn('half', 'text')
    .addColumn('signature', 'text')
    .addPrimaryKeyConstraint('recovery_key_approvals_admin', ['generation', 'admin_root'])
    .execute();
  await schema
    .createTable('recovery_drills')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('generation', 'integer', (column) => column.notNull())
    .addColumn('boxes', 'text', (column) => column.notNull())
    .addColumn('hashes', 'text', (column) => column.notNull())
    .addColumn('begun', 'integer', (column) => column.notNull())
    .addColumn('expires', 'integer', (column) => column.notNull())
    .addColumn('passed', 'integer')
    .execute();
  await schema
    .createTable('recovery_drill_answers')
    .addColumn('drill', 'text', (column) => column.notNull())
    .addColumn('half', 'text', (column) => column.notNull())
    .addColumn('admin', 'text', (column) => column.notNull())
    .addColumn('admin_root', 'text', (column) => column.notNull())
    .addColumn('admin_root_name', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('recovery_drill_answers_half', ['drill', 'half'])
    .execute();
  await schema.alterTable('person_keys').addColumn('escrow_key', 'text').execute();

  const halves = await transaction.selectFrom('recovery_halves').selectAll().orderBy('slot').execute();
  const [first] = halves;
  if (first !== undefined) {
    await transaction
      .insertInto('recovery_keys')
      .values({ generation: 1, status: 'current', begun: first.registered, reason: null, signatures: null })
      .execute();
    for (const half of halves) {
      await transaction
        .insertInto('recovery_key_halves')
        .values({ ...half, generation: 1 })
        .execute();
    }
  }
  await schema.dropTable('recovery_halves').execute();
}
