import { CountersignError } from '../../protocol/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Database, Transaction } from './database.ts';
import type { Migration } from './migrations/index.ts';

/**
 * Applies what is missing, one transaction each. Each looks at the recorded state again, so two processes that start
 * together do not apply one twice.
 *
 * @throws `state_refused` if the record is not a beginning of `migrations`: the store belongs to a newer version, or
 *   is not ours to touch.
 */
export async function migrate(
  database: Pick<Database, 'transaction'>,
  migrations: readonly Migration[],
  clock: Clock,
): Promise<void> {
  assertNumbered(migrations);
  await database.transaction(createRecord);
  while (await database.transaction((transaction) => applyNext(transaction, migrations, clock))) {
    // one at a time until none is left
  }
}

async function createRecord(transaction: Transaction): Promise<void> {
  await transaction.schema
    .createTable('schema_migrations')
    .ifNotExists()
    .addColumn('position', 'integer', (column) => column.primaryKey().notNull())
    .addColumn('id', 'text', (column) => column.notNull().unique())
    .addColumn('applied_at', 'integer', (column) => column.notNull())
    .execute();
}

async function applyNext(
  transaction: Transaction,
  migrations: readonly Migration[],
  clock: Clock,
): Promise<boolean> {
  const recorded = await transaction
    .selectFrom('schema_migrations')
    .select(['position', 'id'])
    .orderBy('position')
    .execute();
  assertBeginning(recorded, migrations);

  const next = migrations[recorded.length];
  if (next === undefined) {
    return false;
  }
  await next.up(transaction);
  await transaction
    .insertInto('schema_migrations')
    .values({ position: recorded.length + 1, id: next.id, applied_at: clock.now() })
    .execute();
  return true;
}

function assertBeginning(
  recorded: readonly { position: number; id: string }[],
  migrations: readonly Migration[],
): void {
  const known = new Set(migrations.map((migration) => migration.id));
  for (const [index, row] of recorded.entries()) {
    if (!known.has(row.id)) {
      throw new CountersignError(
        'state_refused',
        `The database was written by another version: this one does not know migration '${row.id}'. ` +
          'Run the version that wrote it or a newer one, or restore a backup from before the upgrade.',
      );
    }
    if (row.position !== index + 1 || row.id !== migrations[index]?.id) {
      throw new CountersignError(
        'state_refused',
        `The database's record of migrations has a gap or another order at '${row.id}'. ` +
          'Restore a backup; do not repair the record by hand.',
      );
    }
  }
}

function assertNumbered(migrations: readonly Migration[]): void {
  for (const [index, { id }] of migrations.entries()) {
    if (!id.startsWith(`${String(index + 1).padStart(3, '0')}-`)) {
      throw new CountersignError('internal', undefined, {
        cause: new Error(`migration ${id} is not number ${index + 1} of the list`),
      });
    }
  }
}
