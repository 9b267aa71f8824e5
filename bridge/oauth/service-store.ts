import type { SignatureKey } from '../../protocol/public-key.ts';
import { findAddress } from '../directory/addresses.ts';
import { findPerson } from '../directory/persons.ts';
import type { Query, Transaction } from '../storage/database.ts';
import type { ServicesTable } from '../storage/tables/oauth.ts';
import type { Service } from './service.ts';

type Reader = Query | Transaction;

/** A service with the keys that it proves itself by. */
export type StoredService = Service & { readonly keys: readonly SignatureKey[] };

export async function findService(reader: Reader, id: string): Promise<StoredService | undefined> {
  const row = await reader.selectFrom('services').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : serviceOf(reader, row);
}

export async function listServices(reader: Reader): Promise<StoredService[]> {
  const rows = await reader.selectFrom('services').selectAll().orderBy('name').orderBy('id').execute();
  return Promise.all(rows.map((row) => serviceOf(reader, row)));
}

export async function insertService(tx: Transaction, row: ServicesTable): Promise<void> {
  await tx.insertInto('services').values(row).execute();
}

export async function setServiceKeys(tx: Transaction, id: string, keys: readonly object[]): Promise<void> {
  await tx
    .updateTable('services')
    .set({ jwks: JSON.stringify({ keys }) })
    .where('id', '=', id)
    .execute();
}

/** Deletes the service that a person of the directory is, if it is one: part of erasing. */
export async function deleteServiceOf(tx: Transaction, sub: string): Promise<void> {
  await tx.deleteFrom('services').where('sub', '=', sub).execute();
}

/**
 * It is as active as its entry in the directory, and only while that one holds its address: closing frees it, and
 * reopening the entry does not bring it back.
 */
async function serviceOf(reader: Reader, { jwks, ...row }: ServicesTable): Promise<StoredService> {
  const person = await findPerson(reader, row.sub);
  const { keys } = JSON.parse(jwks) as { keys: SignatureKey[] };
  const held = await findAddress(reader, row.address);
  const active = person?.status === 'active' && held?.sub === row.sub;
  return { ...row, keys, status: active ? 'active' : 'closed' };
}
