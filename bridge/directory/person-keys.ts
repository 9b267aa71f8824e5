import type * as z from 'zod';
import { keyPairSchema } from '../../protocol/public-key.ts';
import type { Transaction } from '../storage/database.ts';
import type { PersonKeysTable } from '../storage/tables/directory.ts';
import type { Reader } from './handle.ts';

export type KeyPair = z.infer<typeof keyPairSchema>;

/** A person's current keys; the share stays sealed by the signer, the vault by the person. */
export type PersonKeys = Readonly<Omit<PersonKeysTable, 'keys'>> & { readonly keys: KeyPair };

export async function findPersonKeys(reader: Reader, sub: string): Promise<PersonKeys | undefined> {
  const row = await reader.selectFrom('person_keys').selectAll().where('sub', '=', sub).executeTakeFirst();
  return row === undefined ? undefined : { ...row, keys: parseKeyPair(row.keys) };
}

export async function insertPersonKeys(
  transaction: Transaction,
  keys: Omit<PersonKeys, 'removed'>,
): Promise<void> {
  await transaction
    .insertInto('person_keys')
    .values({ ...keys, keys: JSON.stringify(keys.keys), removed: null })
    .execute();
}

/** Puts the next key version in the place of the one before it; `false` if that is not the one that is there. */
export async function replacePersonKeys(
  transaction: Transaction,
  { sub, key_version, keys, share, vault, escrow }: Omit<PersonKeys, 'removed' | 'address'>,
): Promise<boolean> {
  const { numUpdatedRows } = await transaction
    .updateTable('person_keys')
    .set({ key_version, keys: JSON.stringify(keys), share, vault, escrow, removed: null })
    .where('sub', '=', sub)
    .where('key_version', '=', key_version - 1)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Who had the removed device may have these keys: they are to be rotated (PROTOCOL §9). */
export async function noteDeviceRemoved(transaction: Transaction, sub: string, now: number): Promise<void> {
  await transaction
    .updateTable('person_keys')
    .set({ removed: now })
    .where('sub', '=', sub)
    .where('removed', 'is', null)
    .execute();
}

/** Deletes share and vault: from this commit on nobody, the bridge included, can use the person's keys here. */
export async function deletePersonKeys(transaction: Transaction, sub: string): Promise<void> {
  await transaction.deleteFrom('person_keys').where('sub', '=', sub).execute();
}

/** Stored keys are our own writing, but are parsed all the same: a damaged row must not become a key. */
export function parseKeyPair(json: string): KeyPair {
  return keyPairSchema.parse(JSON.parse(json));
}
