import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../bridge/lib/clock.ts';
import type { Database, Transaction } from '../../bridge/storage/database.ts';
import { openPostgres, type PostgresOptions } from '../../bridge/storage/postgres/open.ts';
import { freePort } from '../../demo/stage/free-port.ts';
import { createThrowawayCa, type ThrowawayCa } from '../fakes/throwaway-ca.ts';
import { NO_POSTGRES, startPostgres, type ThrowawayPostgres } from '../fakes/throwaway-postgres.ts';

const skipped = NO_POSTGRES === undefined ? '' : ` (skipped: ${NO_POSTGRES})`;

describe.skipIf(NO_POSTGRES !== undefined)(`The store on a PostgreSQL server${skipped}`, () => {
  let ca: ThrowawayCa;
  let server: ThrowawayPostgres;
  const opened: Database[] = [];

  beforeAll(async () => {
    ca = await createThrowawayCa();
    const { cert, key } = await ca.issue(['localhost']);
    server = await startPostgres(
      ['ssl = on', 'ssl_cert_file = ../server.crt', 'ssl_key_file = ../server.key'],
      { 'server.crt': cert, 'server.key': key },
    );
  });

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((database) => database.close()));
  });

  afterAll(async () => {
    await server.stop();
  });

  const open = async (options: Partial<PostgresOptions> = {}): Promise<Database> => {
    const database = await openPostgres({
      url: server.url(`s${randomBytes(6).toString('hex')}`),
      clock: systemClock,
      ...options,
    });
    opened.push(database);
    return database;
  };

  const put = (transaction: Transaction, key: string) =>
    transaction.insertInto('meta').values({ key, value: '' }).execute();

  const keys = async (database: Database): Promise<string[]> => {
    const rows = await database.read((query) =>
      query.selectFrom('meta').select('key').orderBy('key').execute(),
    );
    return rows.map((row) => row.key);
  };

  /** Ends every connection of the bridge's but this one, as an administrator or a fail-over does. */
  const endConnections = () =>
    server.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'countersign'`,
    );

  it('compares texts by their bytes, whatever the collation of the database', async () => {
    const database = await open();
    await database.migrate();
    await database.transaction(async (transaction) => {
      for (const key of ['a', 'B', '-', 'ä', 'A']) await put(transaction, key);
    });
    expect(await keys(database)).toEqual(['-', 'A', 'B', 'a', 'ä']);
  });

  it('runs again a transaction that lost to another, also if its work took the loss for something else', async () => {
    const url = server.url(`s${randomBytes(6).toString('hex')}`);
    const [database, other] = [await open({ url }), await open({ url })];
    await database.migrate();
    let runs = 0;
    await database.transaction(async (transaction) => {
      runs += 1;
      await transaction.selectFrom('meta').selectAll().execute();
      if (runs === 1) {
        await other.transaction(async (theirs) => {
          await theirs.selectFrom('meta').selectAll().execute();
          await put(theirs, 'theirs');
        });
      }
      await put(transaction, 'ours').catch(() => {
        throw new Error('somebody else has it');
      });
    });
    expect(runs).toBe(2);
    expect(await keys(database)).toEqual(['ours', 'theirs']);
  });

  it('runs again a transaction whose connection ended before its commit, and reads anew', async () => {
    const database = await open();
    await database.migrate();
    let runs = 0;
    await database.transaction(async (transaction) => {
      runs += 1;
      await put(transaction, 'a');
      if (runs === 1) await endConnections();
    });
    expect(runs).toBe(2);
    await endConnections();
    expect(await keys(database)).toEqual(['a']);
  });

  it('does not run again what may have been stored: then it is not known', async () => {
    const database = await open();
    await database.migrate();
    // the connection ends while the server is at the commit
    await server.query(`create or replace function public.end_session() returns trigger language plpgsql as $$
      begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$`);
    await database.transaction((transaction) =>
      sql`create constraint trigger ending after insert on meta deferrable initially deferred
        for each row execute function public.end_session()`.execute(transaction),
    );
    let runs = 0;
    const failed = database.transaction(async (transaction) => {
      runs += 1;
      await put(transaction, 'a');
    });
    await expect(failed).rejects.toMatchObject({ code: 'unavailable' });
    expect(runs).toBe(1);
  });

  it('goes on when a newer version has added a column under its statements', async () => {
    const schema = `s${randomBytes(6).toString('hex')}`;
    const database = await open({ url: server.url(schema), poolSize: 2 });
    await database.migrate();
    const inTransaction = () =>
      database.transaction((transaction) =>
        transaction.selectFrom('meta').selectAll().where('key', '=', 'a').execute(),
      );
    const inRead = () =>
      database.read((query) => query.selectFrom('meta').selectAll().where('key', '=', 'a').execute());
    await inTransaction();
    await inRead();
    await server.query(`alter table ${schema}.meta add column note text`);
    expect(await inTransaction()).toEqual([]);
    expect(await inRead()).toEqual([]);
  });

  it('gives up a statement that waits for a row too long', async () => {
    const database = await open({ pause: async () => {} });
    await database.migrate();
    const failed = database.transaction(async (transaction) => {
      await sql`set local statement_timeout = 50`.execute(transaction);
      await sql`select pg_sleep(5)`.execute(transaction);
    });
    await expect(failed).rejects.toMatchObject({ code: 'storage_busy' });
  });

  it('speaks TLS with whom it can verify', async () => {
    const url = server.url().replace('127.0.0.1', 'localhost');
    const database = await open({ url, tls: 'verify', caCertificates: ca.certificatePem });
    const { rows } = await database.transaction((transaction) =>
      sql<{ ssl: number }>`select ssl from pg_stat_ssl where pid = pg_backend_pid()`.execute(transaction),
    );
    expect(rows).toEqual([{ ssl: 1 }]);
  });

  it.each([
    ['of an unknown authority', 'localhost', async () => (await createThrowawayCa()).certificatePem],
    ['of another name', '127.0.0.1', async () => ca.certificatePem],
  ])('does not speak with a server that shows a certificate %s', async (_, host, caCertificates) => {
    const url = server.url().replace('127.0.0.1', host);
    const opening = open({
      url,
      tls: 'verify',
      caCertificates: await caCertificates(),
      pause: async () => {},
    });
    await expect(opening).rejects.toMatchObject({ code: 'unavailable' });
  });

  it.each([
    ['password', (url: string) => url.replace(':throwaway@', ':wrong@')],
    ['user', (url: string) => url.replace('//bridge:', '//nobody:')],
    ['database', (url: string) => url.replace('/postgres', '/nowhere')],
  ])('tells the operator of a wrong %s, without the URL', async (_, change) => {
    const error: unknown = await open({ url: change(server.url()) }).catch((e) => e);
    expect(error).toMatchObject({ code: 'config_invalid', detail: expect.stringContaining('refuses') });
  });

  it.each([
    '',
    'mysql://u:p@db/x',
    'postgresql://db/x',
    'postgresql://u:p@db/x?sslmode=disable',
    'postgresql://u:p@db:0/x',
  ])('is not opened by the URL %j', async (url) => {
    const error: unknown = await open({ url }).catch((e) => e);
    expect(error).toMatchObject({ code: 'config_invalid' });
    expect(String(error)).not.toContain('sslmode=disable');
  });

  it('is unavailable where nothing listens', async () => {
    const url = server.url().replace(String(server.port), String(await freePort()));
    await expect(open({ url, pause: async () => {} })).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('finds the host that takes writes', async () => {
    const url = server.url().replace('@', `@127.0.0.1:${await freePort()},`);
    const database = await open({ url, pause: async () => {} });
    expect(
      await database.read(async (query) => query.selectNoFrom(sql<number>`1`.as('one')).execute()),
    ).toEqual([{ one: 1 }]);
  });

  it.each(['synchronous_commit = off', 'synchronous_commit = local'])(
    'refuses a server with %s: acknowledged records could be lost',
    async (setting) => {
      const [name, value] = setting.split(' = ');
      await server.query(`alter role bridge set ${name} = ${value}`);
      const error: unknown = await open().catch((e) => e);
      await server.query(`alter role bridge reset ${name}`);
      expect(error).toMatchObject({ code: 'state_refused', detail: expect.stringContaining(setting) });
    },
  );
});
