import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import Libsql from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../bridge/lib/clock.ts';
import type { Database, Transaction } from '../../bridge/storage/database.ts';
import { openSqlite, type SqliteOptions } from '../../bridge/storage/sqlite/open.ts';
import { describeDatabase } from '../contract/database.ts';

describeDatabase('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-sqlite-'));
  return {
    open: (migrations) =>
      openSqlite({ path: join(folder, 'records.db'), clock: systemClock, ...(migrations && { migrations }) }),
    cleanUp: async () => rmSync(folder, { recursive: true }),
  };
});

describe('The embedded store', () => {
  let folder: string;
  let path: string;
  let opened: Database[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'countersign-sqlite-'));
    path = join(folder, 'state', 'records.db');
    opened = [];
  });

  afterEach(async () => {
    await Promise.all(opened.map((database) => database.close()));
    rmSync(folder, { recursive: true });
  });

  const open = async (options: Partial<SqliteOptions> = {}): Promise<Database> => {
    const database = await openSqlite({ path, clock: systemClock, ...options });
    opened.push(database);
    await database.migrate();
    return database;
  };

  const put = (transaction: Transaction, key: string, value = '') =>
    transaction.insertInto('meta').values({ key, value }).execute();

  const keys = async (database: Database): Promise<string[]> => {
    const rows = await database.read((query) =>
      query.selectFrom('meta').select('key').orderBy('key').execute(),
    );
    return rows.map((row) => row.key);
  };

  it('is readable by its owner only, log included', async () => {
    const database = await open();
    await database.transaction((transaction) => put(transaction, 'a'));
    for (const file of [path, `${path}-wal`, `${path}-shm`]) {
      expect(statSync(file).mode & 0o777).toBe(0o600);
    }
    expect(statSync(join(folder, 'state')).mode & 0o777).toBe(0o700);
  });

  it('runs with a synced write-ahead log, references checked, and what is deleted overwritten', async () => {
    const database = await open();
    const settings = await database.transaction(async (transaction) => {
      const values: Record<string, unknown> = {};
      for (const name of ['journal_mode', 'synchronous', 'foreign_keys', 'trusted_schema', 'secure_delete']) {
        const { rows } = await sql<Record<string, unknown>>`pragma ${sql.raw(name)}`.execute(transaction);
        values[name] = rows[0]?.[name];
      }
      return values;
    });
    expect(settings).toEqual({
      journal_mode: 'wal',
      synchronous: 2,
      foreign_keys: 1,
      trusted_schema: 0,
      secure_delete: 1,
    });
  });

  it.each(['', ':memory:', 'file:records.db', 'libsql://elsewhere.example', 'https://elsewhere.example'])(
    'is a file, not %j',
    async (elsewhere) => {
      await expect(openSqlite({ path: elsewhere, clock: systemClock })).rejects.toMatchObject({
        code: 'config_invalid',
      });
    },
  );

  it('refuses a file that is not a database', async () => {
    path = join(folder, 'notes.txt');
    writeFileSync(path, 'these are not the records that you are looking for\n'.repeat(100));
    await expect(openSqlite({ path, clock: systemClock })).rejects.toMatchObject({ code: 'state_refused' });
  });

  it('refuses a path that cannot be a file', async () => {
    await expect(openSqlite({ path: folder, clock: systemClock })).rejects.toMatchObject({
      code: 'state_refused',
    });
  });

  it('keeps its log when another process closes the file', async () => {
    const database = await open();
    await open();
    await database.transaction((transaction) => put(transaction, 'a'));
    const log = statSync(`${path}-wal`).ino;
    const close = `const db = new (require('libsql'))(${JSON.stringify(path)}); db.exec('SELECT * FROM meta'); db.close()`;
    expect(spawnSync(process.execPath, ['-e', close]).status).toBe(0);
    expect(statSync(`${path}-wal`).ino).toBe(log);
    await database.transaction((transaction) => put(transaction, 'b'));
    expect(await keys(database)).toEqual(['a', 'b']);
  });

  it('lets transactions run in the order of the calls', async () => {
    const database = await open();
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        database.transaction(async () => {
          order.push(index);
        }),
      ),
    );
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  describe('while another process writes', () => {
    let holder: InstanceType<typeof Libsql>;

    beforeEach(async () => {
      await (await open()).close();
      holder = new Libsql(path);
    });

    afterEach(() => holder.close());

    it('tries a transaction again until it can have the file', async () => {
      const waits: number[] = [];
      const database = await open({
        pause: async (ms) => {
          if (waits.push(ms) === 3) {
            holder.exec('COMMIT');
          }
        },
      });
      holder.exec("BEGIN IMMEDIATE; INSERT INTO meta VALUES ('theirs', '')");
      let runs = 0;
      await database.transaction((transaction) => {
        runs++;
        return put(transaction, 'ours');
      });
      expect(runs).toBe(1);
      expect(waits).toHaveLength(3);
      expect(await keys(database)).toEqual(['ours', 'theirs']);
    });

    it('gives up in the end, having waited a few seconds, and has stored nothing', async () => {
      let waited = 0;
      const database = await open({
        pause: async (ms) => {
          waited += ms;
        },
      });
      holder.exec('BEGIN IMMEDIATE');
      await expect(database.transaction((transaction) => put(transaction, 'ours'))).rejects.toMatchObject({
        code: 'storage_busy',
      });
      expect(waited).toBeGreaterThan(2_000);
      expect(waited).toBeLessThan(10_000);
      holder.exec('ROLLBACK');
      expect(await keys(database)).toEqual([]);
      await database.transaction((transaction) => put(transaction, 'ours'));
      expect(await keys(database)).toEqual(['ours']);
    });

    it('goes on reading', async () => {
      const database = await open({ pause: () => Promise.reject(new Error('a read had to wait')) });
      await database.transaction((transaction) => put(transaction, 'ours'));
      holder.exec("BEGIN IMMEDIATE; INSERT INTO meta VALUES ('theirs', '')");
      expect(await keys(database)).toEqual(['ours']);
      holder.exec('ROLLBACK');
    });
  });

  describe('on a full disk', () => {
    // the schema alone takes more than two hundred
    const MAX_PAGES = 400;
    const TOO_MUCH = 'x'.repeat(MAX_PAGES * 4_096);

    it('says so, stores nothing of the transaction, and works on', async () => {
      const database = await open({ maxPages: MAX_PAGES });
      await database.transaction((transaction) => put(transaction, 'before'));

      const failed = database.transaction(async (transaction) => {
        await put(transaction, 'small');
        await put(transaction, 'large', TOO_MUCH);
      });
      await expect(failed).rejects.toMatchObject({ code: 'storage_full' });
      expect(await keys(database)).toEqual(['before']);

      await database.transaction((transaction) => put(transaction, 'after'));
      expect(await keys(database)).toEqual(['after', 'before']);
    });

    it('does not store the rest of a transaction that ignores it', async () => {
      const database = await open({ maxPages: MAX_PAGES });
      const failed = database.transaction(async (transaction) => {
        await put(transaction, 'large', TOO_MUCH).catch(() => undefined);
        await put(transaction, 'rest').catch(() => undefined);
      });
      await expect(failed).rejects.toMatchObject({ code: 'storage_full' });
      expect(await keys(database)).toEqual([]);
    });
  });
});
