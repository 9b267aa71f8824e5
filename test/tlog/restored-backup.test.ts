import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../../bridge/storage/database.ts';
import { MIGRATIONS } from '../../bridge/storage/migrations/index.ts';
import { openSqlite } from '../../bridge/storage/sqlite/open.ts';
import { assertHeadTrusted } from '../../bridge/tlog/start-doubt.ts';
import { movableClock } from '../signer/signer-fixture.ts';
import { ORIGIN, quiet, type TlogFixture, tlogFixture } from './tlog-fixture.ts';

let folder: string;
let opened: Database[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
  opened = [];
});

afterEach(async () => {
  await Promise.all(opened.map((database) => database.close()));
  await rm(folder, { recursive: true });
});

async function open(path: string, migrations = MIGRATIONS): Promise<Database> {
  const database = await openSqlite({ path, clock: movableClock(), migrations });
  opened.push(database);
  return database;
}

describe.skipIf(process.env.COUNTERSIGN_TEST_STORE === 'postgres')('a restored backup', () => {
  let fixture: TlogFixture;

  beforeEach(async () => {
    fixture = await tlogFixture();
  });

  afterEach(async () => {
    await fixture.remove();
  });

  it('of the database does not start, and does not sign where it is started all the same', async () => {
    const { sequencer } = fixture.openLog();
    await fixture.stage('p1');
    await sequencer.settled();
    const backup = join(folder, 'backup.db');
    for (const suffix of ['', '-wal']) await copyFile(fixture.store.reach + suffix, backup + suffix);
    await fixture.stage('p2');
    await sequencer.settled();

    const database = await open(backup);
    const restored = fixture.openLog({ database });
    const check = assertHeadTrusted({
      ...{
        log: 'keys',
        origin: ORIGIN,
        database,
        logger: quiet,
        headFile: fixture.headFile,
        headFileApart: true,
      },
      ...{ witnesses: [], quorum: 0, noteOf: (row) => restored.checkpoints.noteOf(row) },
    });
    await expect(check).rejects.toMatchObject({
      code: 'state_refused',
      detail: expect.stringContaining('it ends at 2 entries, and the head file at 4'),
    });
    await expect(restored.checkpoints.publish()).rejects.toMatchObject({ code: 'state_refused' });
  });
});

describe('a store from before there was a tree', () => {
  it('stages what its log held again, so that it becomes entries', async () => {
    const path = join(folder, 'old.db');
    const before = MIGRATIONS.findIndex(({ id }) => id.startsWith('014'));
    const old = await open(path, MIGRATIONS.slice(0, before));
    await old.migrate();
    const version = { kind: 'address', name: 'alice@acme.example', version: 0, value_hash: '' } as const;
    await old.transaction(async (tx) => {
      const row = { ...version, staged_id: 's1', value: new Uint8Array([1]), position: 0 };
      // the columns of then
      await tx
        .insertInto('logged_versions')
        .values(row as never)
        .execute();
      await tx.insertInto('log_heads').values({ log: 'keys', size: 1, hash: '' }).execute();
      await tx.insertInto('log_heads').values({ log: 'events', size: 9, hash: 'x' }).execute();
    });
    await (await open(path)).migrate();
    await old.read(async (query) => {
      const rows = await query.selectFrom('logged_versions').select(['name', 'position']).execute();
      expect(rows).toEqual([{ name: version.name, position: null }]);
      expect(await query.selectFrom('log_heads').selectAll().execute()).toEqual([
        { log: 'events', size: 9, hash: 'x' },
      ]);
    });
  });
});
