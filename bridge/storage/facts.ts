import type { Query, Transaction } from './database.ts';

/** A single fact that the installation remembers, or `undefined`. */
export async function readFact(reader: Query | Transaction, key: string): Promise<string | undefined> {
  const row = await reader.selectFrom('meta').select('value').where('key', '=', key).executeTakeFirst();
  return row?.value;
}

export async function writeFact(tx: Transaction, key: string, value: string): Promise<void> {
  await tx
    .insertInto('meta')
    .values({ key, value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
    .execute();
}
