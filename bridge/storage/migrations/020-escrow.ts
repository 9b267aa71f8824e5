import type { Transaction } from '../database.ts';

/** What the content of a person's vault is escrowed in, sealed by the signer; null where nothing is. */
export async function up({ schema }: Transaction): Promise<void> {
  await schema.alterTable('person_keys').addColumn('escrow', 'blob').execute();
}
