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

/** Whose keys an address stands for; nobody's where there are none. */
export async function keyHolderOf(reader: Reader, address: string): Promise<string | undefined> {
  const row = await reader
    .selectFrom('person_keys')
    .select('sub')
    .where('address', '=', address)
    .executeTakeFirst();
  return row?.sub;
}

/** Everybody who has keys. */
export async function keyHolders(reader: Reader): Promise<string[]> {
  const rows = await reader.selectFrom('person_keys').select('sub').orderBy('sub').execute();
  return rows.map(({ sub }) => sub);
}

export async function insertPersonKeys(
  transaction: Transaction,
  keys: Omit<PersonKeys, 'removed' | 'escrow_key'> & Partial<Pick<PersonKeys, 'escrow_key'>>,
): Promise<void> {
  await transaction
    .insertInto('person_keys')
    .values({ escrow_key: null, ...keys, keys: JSON.stringify(keys.keys), removed: null })
    .execute();
}

/** Puts the next key version in the place of the one before it; `false` if that is not the one that is there. */
export async function replacePersonKeys(
  transaction: Transaction,
  { sub, key_version, keys, share, vault, escrow, escrow_key }: Omit<PersonKeys, 'removed' | 'address'>,
): Promise<boolean> {
  const { numUpdatedRows } = await transaction
    .updateTable('person_keys')
    .set({ key_version, keys: JSON.stringify(keys), share, vault, escrow, escrow_key, removed: null })
    .where('sub', '=', sub)
    .where('key_version', '=', key_version - 1)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** What of the keys is needed to say what of them could be recovered. */
export type EscrowedKeys = Pick<PersonKeys, 'sub' | 'address' | 'key_version' | 'escrow' | 'escrow_key'>;

/** One page in the order of the ids, from behind `after` on. */
export async function escrowedKeysAfter(
  reader: Reader,
  after: string,
  limit: number,
): Promise<EscrowedKeys[]> {
  return reader
    .selectFrom('person_keys')
    .select(['sub', 'address', 'key_version', 'escrow', 'escrow_key'])
    .where('sub', '>', after)
    .orderBy('sub')
    .limit(limit)
    .execute();
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
