import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SEALED_COLUMNS } from '../../bridge/cli/sealed-columns.ts';
import { type TemporaryStore, temporaryStore } from '../fakes/temporary-store.ts';

/** Columns of bytes that the bridge does not seal, each with what it holds. */
const NOT_SEALED: Readonly<Record<string, string>> = {
  'person_keys.vault': 'sealed by the person',
  'group_admins.vault': 'sealed by an admin of the group',
  'recovery_shares.share': 'sealed to a device by an administrator',
  'sealed_keys.encrypted': 'sealed by whoever sealed the key',
  'witness_keys.public_key': 'public',
  'lost_entries.commitment': 'public',
  'log_entry_bundles.bytes': 'public',
  'log_tiles.bytes': 'public',
  'log_epochs.prefix_root': 'public',
  'logged_versions.value': 'what a commitment in the log is over',
  'logged_versions.opening': 'the opening of a commitment, for look-ups',
  'logged_versions.commitment': 'public',
  'map_pages.bytes': 'public',
  'vrf_proofs.output': 'public',
  'vrf_proofs.proof': 'for look-ups',
};

let store: TemporaryStore;

beforeAll(async () => {
  store = await temporaryStore({ now: () => Date.now() });
});
afterAll(() => store.remove());

async function columnsOfBytes(): Promise<string[]> {
  const { database } = store;
  return database.read(async (query) => {
    const columns =
      database.dialect === 'sqlite'
        ? sql<{ name: string }>`(select m.name || '.' || c.name as name
            from sqlite_master m, pragma_table_info(m.name) c
            where m.type = 'table' and lower(c.type) = 'blob')`
        : sql<{ name: string }>`(select table_name || '.' || column_name as name
            from information_schema.columns
            where table_schema = current_schema() and data_type = 'bytea')`;
    const rows = await query.selectFrom(columns.as('columns_of_bytes')).select('name').execute();
    return rows.map(({ name }) => name).sort();
  });
}

it('every column of bytes is sealed and on the list, or known to be none of the bridge’s secrets', async () => {
  const sealed = SEALED_COLUMNS.map(({ table, column }) => `${table}.${column}`);
  const found = await columnsOfBytes();
  expect(found.filter((name) => !sealed.includes(name) && !(name in NOT_SEALED))).toEqual([]);
  expect(sealed.filter((name) => !found.includes(name))).toEqual([]);
  expect(Object.keys(NOT_SEALED).filter((name) => !found.includes(name))).toEqual([]);
});
