import type { Transaction } from '../database.ts';

/** An approval of a recovery key counts no more once whoever gave it was removed; their half's signature stays. */
export async function up({ schema }: Transaction): Promise<void> {
  await schema.alterTable('recovery_key_approvals').addColumn('withdrawn', 'integer').execute();
}
