import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MIGRATIONS } from '../../bridge/storage/migrations/index.ts';
import { openSqlite } from '../../bridge/storage/sqlite/open.ts';
import { movableClock } from '../signer/signer-fixture.ts';

const clock = movableClock();

let path: string;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
  path = join(folder, 'bridge.db');
});
afterEach(() => rm(folder, { recursive: true }));

it('the store of before says whose tokens registered the halves and gave the shares, where they are still there', async () => {
  const old = await openSqlite({ path, clock, migrations: MIGRATIONS.filter(({ id }) => id < '036') });
  await old.migrate();
  await old.transaction(async (tx) => {
    for (const [id, parent] of [
      ['ada', null],
      ['ada-2', 'ada'],
      ['ada-3', 'ada-2'],
    ]) {
      await sql`insert into administrator_tokens (id, name, hash, created, expires, parent, roles)
        values (${id}, ${`Name of ${id}`}, ${id}, 1, 2, ${parent}, '["owner"]')`.execute(tx);
    }
    for (const [slot, admin] of [
      [1, 'ada-3'],
      [2, 'gone'],
    ]) {
      await sql`insert into recovery_halves (half, key, slot, admin, admin_name, registered)
        values (${`half ${slot}`}, '{}', ${slot}, ${admin}, ${`Name of ${admin}`}, 1)`.execute(tx);
    }
    await sql`insert into recovery_shares (recovery, half, admin, share)
      values ('r-1', 'half 1', 'ada-2', ${Buffer.from('x')})`.execute(tx);
  });
  await old.close();

  const store = await openSqlite({ path, clock });
  await store.migrate();
  const roots = ['admin', 'admin_root', 'admin_root_name'] as const;
  const halves = await store.read((query) =>
    query.selectFrom('recovery_key_halves').select(roots).orderBy('slot').execute(),
  );
  expect(halves).toEqual([
    { admin: 'ada-3', admin_root: 'ada', admin_root_name: 'Name of ada' },
    { admin: 'gone', admin_root: 'gone', admin_root_name: 'Name of gone' },
  ]);
  const shares = await store.read((query) => query.selectFrom('recovery_shares').select(roots).execute());
  expect(shares).toEqual([{ admin: 'ada-2', admin_root: 'ada', admin_root_name: 'Name of ada' }]);
  await store.close();
});
