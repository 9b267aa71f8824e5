import type { Transaction } from '../database.ts';

/** Since when each key-encryption key seals, as far as bridges of this version have seen it. */
export async function up({ schema }: Transaction): Promise<void> {
  await schema
    .createTable('encryption_key_ages')
    .addColumn('kek_id', 'text', (column) => column.primaryKey())
    .addColumn('since', 'integer', (column) => column.notNull())
    .addColumn('told', 'integer')
    .execute();
}
