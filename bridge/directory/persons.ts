import type { Assurance } from '../../protocol/claims.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { Transaction } from '../storage/database.ts';
import type { PersonsTable } from '../storage/tables/directory.ts';
import type { Reader } from './handle.ts';

export type Person = Readonly<PersonsTable>;

/** The person of this id, closed ones included, or `undefined`. */
export async function findPerson(reader: Reader, sub: string): Promise<Person | undefined> {
  return reader.selectFrom('persons').selectAll().where('sub', '=', sub).executeTakeFirst();
}

/** The persons of these ids, closed ones included. */
export async function findPersons(reader: Reader, subs: readonly string[]): Promise<Person[]> {
  if (subs.length === 0) return [];
  return reader.selectFrom('persons').selectAll().where('sub', 'in', subs).execute();
}

/** The active person of this id. Throws `person_unknown` or `person_closed`. */
export async function requireActivePerson(reader: Reader, sub: string): Promise<Person> {
  const person = await findPerson(reader, sub);
  if (person === undefined) throw new CountersignError('person_unknown');
  if (person.status !== 'active') throw new CountersignError('person_closed');
  return person;
}

/** One page of persons in the order of their ids, from the one after `after`. */
export async function listPersons(
  reader: Reader,
  page: { after?: string; limit: number },
): Promise<Person[]> {
  let query = reader.selectFrom('persons').selectAll().orderBy('sub').limit(page.limit);
  if (page.after !== undefined) query = query.where('sub', '>', page.after);
  return query.execute();
}

export async function insertPerson(
  transaction: Transaction,
  person: { sub: string; name: string | null; assurance: Assurance; created: number },
): Promise<void> {
  await transaction
    .insertInto('persons')
    .values({ ...person, status: 'active', generation: 0, key_version: null })
    .execute();
}

export async function setPersonName(
  transaction: Transaction,
  sub: string,
  name: string | null,
): Promise<void> {
  await transaction.updateTable('persons').set({ name }).where('sub', '=', sub).execute();
}

export async function setKeyVersion(
  transaction: Transaction,
  sub: string,
  keyVersion: number,
): Promise<void> {
  await transaction.updateTable('persons').set({ key_version: keyVersion }).where('sub', '=', sub).execute();
}

/** Counts on behind key versions that are lost: so many at most may have been given to the person. */
export async function skipKeyVersions(transaction: Transaction, sub: string, count: number): Promise<void> {
  const person = await findPerson(transaction, sub);
  if (person === undefined) return;
  await setKeyVersion(transaction, sub, (person.key_version ?? -1) + count);
}

/** Raises the generation: what was read before this cannot be released any more. Part of every restriction. */
export async function restrictPerson(
  transaction: Transaction,
  sub: string,
  status: Person['status'],
): Promise<void> {
  await transaction
    .updateTable('persons')
    .set((expression) => ({ status, generation: expression('generation', '+', 1) }))
    .where('sub', '=', sub)
    .execute();
}

/** Deletes the record: part of erasing, once all that refers to it is deleted. */
export async function deletePerson(transaction: Transaction, sub: string): Promise<void> {
  await transaction.deleteFrom('persons').where('sub', '=', sub).execute();
}
