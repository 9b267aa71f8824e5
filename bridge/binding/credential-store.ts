import { type SignedStatement, signedStatementSchema } from '../../protocol/key-statement.ts';
import type { Reader } from '../directory/handle.ts';
import type { PersonsTable } from '../storage/tables/directory.ts';

/** What others may be told of a person. */
export interface DescribedPerson {
  readonly sub: string;
  readonly status: PersonsTable['status'];
  readonly name: string | null;
  /** JSON, where a device of theirs was ever added. */
  readonly sign_in: string | null;
}

/** The persons of these ids, by id. */
export async function describePersons(
  reader: Reader,
  subs: readonly string[],
): Promise<Map<string, DescribedPerson>> {
  if (subs.length === 0) return new Map();
  const rows = await reader
    .selectFrom('persons')
    .leftJoin('device_sign_ins', 'device_sign_ins.sub', 'persons.sub')
    .select(['persons.sub', 'persons.status', 'persons.name', 'device_sign_ins.sign_in'])
    .where('persons.sub', 'in', subs)
    .execute();
  return new Map(rows.map((row) => [row.sub, row]));
}

/** One version of an address's statement. */
export async function findStatement(
  reader: Reader,
  address: string,
  version: number,
): Promise<SignedStatement | undefined> {
  const row = await reader
    .selectFrom('statements')
    .select('signed')
    .where('address', '=', address)
    .where('version', '=', version)
    .executeTakeFirst();
  return row === undefined ? undefined : signedStatementSchema.parse(JSON.parse(row.signed));
}
