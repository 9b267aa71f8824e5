import type { SignatureKey } from '../../protocol/public-key.ts';
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

/** It is as active as its entry in the directory: closing that one closes the service. */
async function serviceOf(reader: Reader, { jwks, ...row }: ServicesTable): Promise<StoredService> {
  const person = await findPerson(reader, row.sub);
  const { keys } = JSON.parse(jwks) as { keys: SignatureKey[] };
  return { ...row, keys, status: person?.status ?? 'closed' };
}
