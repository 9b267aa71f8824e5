import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../bridge/lib/clock.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { openPostgres, type PostgresOptions } from '../../bridge/storage/postgres/open.ts';
import { ConnectionPool, HostChoice } from '../../bridge/storage/postgres/pool.ts';
import { parsePostgresUrl } from '../../bridge/storage/postgres/target.ts';
import { freePort } from '../../demo/stage/free-port.ts';
import { startForgetfulPooler } from '../fakes/forgetful-pooler.ts';
import { NO_POSTGRES, startPostgres, type ThrowawayPostgres } from '../fakes/throwaway-postgres.ts';

const skipped = NO_POSTGRES === undefined ? '' : ` (skipped: ${NO_POSTGRES})`;
const gate = () => {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
};
const afterTurns = () => new Promise((resolve) => setImmediate(resolve));

describe.skipIf(NO_POSTGRES !== undefined)(`Connections to a PostgreSQL server${skipped}`, () => {
  let server: ThrowawayPostgres;
  const opened: Database[] = [];

  beforeAll(async () => {
    server = await startPostgres();
  });

  afterEach(async () => {
    vi.restoreAllMocks();
    await Promise.all(opened.splice(0).map((database) => database.close()));
  });

  afterAll(async () => {
    await server.stop();
  });

  const open = async (options: Partial<PostgresOptions> = {}): Promise<Database> => {
    const url = server.url(`s${randomBytes(6).toString('hex')}`);
    const database = await openPostgres({ url, clock: systemClock, ...options });
    opened.push(database);
    return database;
  };

  it('are kept when somebody sends a text that no store takes', async () => {
    const database = await open({ poolSize: 2 });
    await database.migrate();
    const connection = () =>
      database.read((query) => query.selectNoFrom(sql<number>`pg_backend_pid()`.as('pid')).execute());
    const read = (key: string) =>
      database.read((query) => query.selectFrom('meta').select('key').where('key', '=', key).execute());
    const before = await connection();
    await expect(read('a\0b')).rejects.toMatchObject({ code: 'malformed_request' });
    await expect(read('\ud800')).rejects.toMatchObject({ code: 'malformed_request' });
    expect(await connection()).toEqual(before);
  });

  it('are kept when a column holds what is no value of ours', async () => {
    const database = await open({ poolSize: 2 });
    const one = (value: ReturnType<typeof sql<number>>) =>
      database.read((query) => query.selectNoFrom(value.as('one')).execute());
    const before = await one(sql<number>`pg_backend_pid()`);
    await expect(one(sql<number>`9007199254740993::bigint`)).rejects.toMatchObject({ code: 'internal' });
    expect(await one(sql<number>`pg_backend_pid()`)).toEqual(before);
  });

  describe('and transactions that are run again', () => {
    /** A connection that ends, as in a fail-over; a transaction that lost to another. */
    const ends = sql`select pg_terminate_backend(pg_backend_pid())`;
    const loses = sql`do $$ begin raise exception 'lost' using errcode = '40001'; end $$`;

    it('do not wait for each other where the server was away', async () => {
      const database = await open();
      const other = gate();
      const began = gate();
      let runs = 0;
      const first = database.transaction(async (transaction) => {
        runs += 1;
        if (runs === 1) await ends.execute(transaction);
        began.resolve();
        await other.promise;
      });
      await began.promise;
      let again = false;
      await database.transaction(async (transaction) => {
        if (!again) {
          again = true;
          await ends.execute(transaction);
        }
      });
      other.resolve();
      await first;
      expect(runs).toBe(2);
    });

    it('do not begin when their turn comes too late', async () => {
      const waits: (() => void)[] = [];
      const paused = gate();
      const database = await open({
        pause: () =>
          new Promise<void>((resolve) => {
            waits.push(resolve);
            paused.resolve();
          }),
      });
      const held = gate();
      const holds = gate();
      let runs = 0;
      const holder = database.transaction(async (transaction) => {
        runs += 1;
        if (runs === 1) await loses.execute(transaction);
        holds.resolve();
        await held.promise;
      });
      await paused.promise;
      waits.shift()?.();
      await holds.promise;

      let tries = 0;
      const waiting = database.transaction(async (transaction) => {
        tries += 1;
        await loses.execute(transaction);
      });
      const failed = expect(waiting).rejects.toMatchObject({ code: 'storage_busy' });
      await vi.waitFor(() => expect(waits).toHaveLength(1), { timeout: 20_000 });
      waits.shift()?.();
      // it is in the queue now: what it takes to get there needs no turn of the event loop
      await afterTurns();
      const later = performance.now() + 60_000;
      vi.spyOn(performance, 'now').mockReturnValue(later);
      held.resolve();
      await failed;
      await holder;
      expect(tries).toBe(1);
    });
  });

  it.each([
    ['the schema', 'search_path', `s${randomBytes(6).toString('hex')}`],
    ['the timeouts', 'statement_timeout', undefined],
  ])('are refused where a pooler leaves out %s, as pgbouncer can be told to', async (_, setting, schema) => {
    const pooler = await startForgetfulPooler(server.port, ['options']);
    const url = server.url(schema).replace(`:${server.port}/`, `:${pooler.port}/`);
    const error: unknown = await open({ url }).catch((e) => e);
    await pooler.close();
    expect(error).toMatchObject({ code: 'state_refused', detail: expect.stringContaining(`${setting} =`) });
  });

  describe('to hosts of which one became a standby', () => {
    let standby: ThrowawayPostgres;

    beforeAll(async () => {
      standby = await startPostgres();
      const [row] = await standby.query(`select current_setting('data_directory') as folder`);
      await standby.query(`copy (select '') to '${row?.folder}/standby.signal'`);
      await standby.restart();
    });

    afterAll(async () => {
      await standby.stop();
    });

    it.each([1, 2, 3, 4])('go to the next one, however many find it at once: %i', async (count) => {
      const url = standby.url().replace(/(@[^/]*)/, `$1,127.0.0.1:${await freePort()}`);
      const hosts = new HostChoice(2);
      const pool = new ConnectionPool({ target: parsePostgresUrl(url) }, 'writes', count, hosts);
      const tries = await Promise.allSettled(Array.from({ length: count }, () => pool.lend()));
      await pool.close();
      for (const each of tries) {
        expect(each).toMatchObject({
          status: 'rejected',
          reason: { detail: 'The database takes no writes.' },
        });
      }
      expect(hosts.current).toBe(1);
    });
  });
});
