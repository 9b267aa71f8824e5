import type { Reader } from '../directory/handle.ts';
import { findPersons, type Person } from '../directory/persons.ts';

/** What others may be told of a person. */
export interface DescribedPerson extends Pick<Person, 'sub' | 'status' | 'name' | 'assurance'> {
  /** JSON, where a device of theirs was ever added. */
  readonly sign_in: string | null;
}

/** The persons of these ids, by id. */
export async function describePersons(
  reader: Reader,
  subs: readonly string[],
): Promise<Map<string, DescribedPerson>> {
  if (subs.length === 0) return new Map();
  const [persons, rows] = await Promise.all([
    findPersons(reader, subs),
    reader.selectFrom('device_sign_ins').selectAll().where('sub', 'in', subs).execute(),
  ]);
  const signIns = new Map(rows.map((row) => [row.sub, row.sign_in]));
  return new Map(
    persons.map(({ sub, status, name, assurance }) => [
      sub,
      { sub, status, name, assurance, sign_in: signIns.get(sub) ?? null },
    ]),
  );
}
