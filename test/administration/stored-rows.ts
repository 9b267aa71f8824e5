import type { Database } from '../../bridge/storage/database.ts';
import type { Tables } from '../../bridge/storage/tables.ts';

/** What a refused request must leave as it is: everything but the events. */
const TABLES = [
  'persons',
  'addresses',
  'person_keys',
  'statements',
  'devices',
  'domains',
  'connections',
  'connection_domains',
  'partners',
  'apps',
  'administrator_tokens',
  'bootstrap_links',
  'enrolments',
  'device_requests',
  'one_time',
] as const satisfies readonly (keyof Tables)[];

/** Every row of those tables as text, to be compared. */
export async function storedRows(database: Database): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of TABLES) {
    const rows = await database.read((query) => query.selectFrom(name).selectAll().execute());
    found[name] = JSON.stringify(rows);
  }
  // Not where they are in the log: what was staged before gets its place meanwhile.
  const logged = await database.read((query) =>
    query.selectFrom('logged_versions').select(['kind', 'name', 'version', 'value_hash']).execute(),
  );
  found.logged_versions = JSON.stringify(logged);
  return found;
}
