import { type Transaction as KyselyTransaction, sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { afterCommit } from '../../bridge/storage/after-commit.ts';
import { type Database, isUniqueViolation, type Transaction } from '../../bridge/storage/database.ts';
import { MIGRATIONS, type Migration } from '../../bridge/storage/migrations/index.ts';
import type { Tables } from '../../bridge/storage/tables.ts';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';

export interface DatabaseFixture {
  /** Opens the fixture's one store, once more each time. Migrations: default, the bridge's own. */
  open(migrations?: readonly Migration[]): Promise<Database>;
  /** After every opened handle was closed. */
  cleanUp(): Promise<void>;
}

type Samples = {
  contract_samples: { id: number; bytes: Uint8Array | null; number: number | null; text: string | null };
  contract_parts: { id: number; sample: number };
};

/** What every implementation of the Database port does. */
export function describeDatabase(name: string, create: () => Promise<DatabaseFixture>): void {
  describe(`Database: ${name}`, () => {
    let fixture: DatabaseFixture;
    let database: Database;
    let opened: Database[];

    const open = async (migrations?: readonly Migration[]): Promise<Database> => {
      const handle = await fixture.open(migrations);
      opened.push(handle);
      return handle;
    };

    beforeEach(async () => {
      opened = [];
      fixture = await create();
      database = await open();
      await database.migrate();
    });

    afterEach(async () => {
      await Promise.all(opened.map((handle) => handle.close()));
      await fixture.cleanUp();
    });

    const put = (transaction: Transaction, key: string, value = '') =>
      transaction.insertInto('meta').values({ key, value }).execute();

    const keys = async (from: Database = database): Promise<string[]> => {
      const rows = await from.read((query) =>
        query.selectFrom('meta').select('key').orderBy('key').execute(),
      );
      return rows.map((row) => row.key);
    };

    const increment = async (on: Database): Promise<void> =>
      on.transaction(async (transaction) => {
        const row = await transaction
          .selectFrom('meta')
          .select('value')
          .where('key', '=', 'count')
          .executeTakeFirst();
        await nextTurn();
        await transaction
          .insertInto('meta')
          .values({ key: 'count', value: String(Number(row?.value ?? 0) + 1) })
          .onConflict((conflict) =>
            conflict.column('key').doUpdateSet((update) => ({ value: update.ref('excluded.value') })),
          )
          .execute();
      });

    const count = async (): Promise<string | undefined> =>
      database.read(async (query) => {
        const row = await query
          .selectFrom('meta')
          .select('value')
          .where('key', '=', 'count')
          .executeTakeFirst();
        return row?.value;
      });

    describe('a transaction', () => {
      it('stores what its work wrote, and gives back what its work gave', async () => {
        const result = await database.transaction(async (transaction) => {
          await put(transaction, 'a');
          return 'done';
        });
        expect(result).toBe('done');
        expect(await keys()).toEqual(['a']);
      });

      it('stores nothing when its work throws, and throws that error on', async () => {
        const error = new Error('changed my mind');
        const failed = database.transaction(async (transaction) => {
          await put(transaction, 'a');
          throw error;
        });
        await expect(failed).rejects.toBe(error);
        expect(await keys()).toEqual([]);
        await database.transaction((transaction) => put(transaction, 'b'));
        expect(await keys()).toEqual(['b']);
      });

      it('reads what it has written itself', async () => {
        const found = await database.transaction(async (transaction) => {
          await put(transaction, 'a', 'own');
          return transaction.selectFrom('meta').select('value').execute();
        });
        expect(found).toEqual([{ value: 'own' }]);
      });

      it('shows a reader nothing before it commits', async () => {
        const written = gate();
        const goOn = gate();
        const running = database.transaction(async (transaction) => {
          await put(transaction, 'a');
          written.open();
          await goOn.opened;
        });
        await written.opened;
        expect(await keys()).toEqual([]);
        goOn.open();
        await running;
        expect(await keys()).toEqual(['a']);
      });

      it('loses no update when many run at once', async () => {
        await Promise.all(Array.from({ length: 50 }, () => increment(database)));
        expect(await count()).toBe('50');
      });

      it('loses no update when they run on several handles', async () => {
        const other = await open();
        await Promise.all(Array.from({ length: 40 }, (_, index) => increment(index % 2 ? other : database)));
        expect(await count()).toBe('40');
      });

      it('that may be seen before it is durable is one like any other', async () => {
        const seen = { seenBeforeDurable: true };
        const stored = database.transaction(async (transaction) => {
          await put(transaction, 'a');
          return 'answer';
        }, seen);
        expect(await stored).toBe('answer');
        const failed = database.transaction(async (transaction) => {
          await put(transaction, 'b');
          throw new Error('not this one');
        }, seen);
        await expect(failed).rejects.toThrow('not this one');
        await Promise.all([
          database.transaction((transaction) => put(transaction, 'c'), seen),
          database.transaction((transaction) => put(transaction, 'd')),
        ]);
        const another = await open();
        expect(await keys(another)).toEqual(expect.arrayContaining(['a', 'c', 'd']));
        expect(await keys(another)).not.toContain('b');
      });

      it('is over at its first failed statement, whether or not its work minds', async () => {
        await database.transaction((transaction) => put(transaction, 'taken'));
        const failed = database.transaction(async (transaction) => {
          await put(transaction, 'before');
          await put(transaction, 'taken').catch(() => undefined);
          await put(transaction, 'after').catch(() => undefined);
          return 'as if nothing had happened';
        });
        await expect(failed).rejects.toSatisfy((error) => isUniqueViolation(error, 'meta'));
        expect(await keys()).toEqual(['taken']);
      });

      it('carries out what is asked for at once in the order in which it is', async () => {
        await database.transaction(async (transaction) => {
          const set = (value: string) => transaction.updateTable('meta').set({ value }).execute();
          await Promise.all([put(transaction, 'count', 'put'), set('first'), set('last')]);
        });
        expect(await count()).toBe('last');
      });

      it('reads what was asked to be written just before, though nobody waited for that', async () => {
        const found = await database.transaction(async (transaction) => {
          const [, values] = await Promise.all([
            put(transaction, 'a', 'own'),
            transaction.selectFrom('meta').select('value').execute(),
          ]);
          return values;
        });
        expect(found).toEqual([{ value: 'own' }]);
      });

      it('fails what is asked for behind a statement that fails with its error', async () => {
        await database.transaction((transaction) => put(transaction, 'taken'));
        const behind: unknown[] = [];
        const failed = database.transaction(async (transaction) => {
          const outcomes = await Promise.allSettled(
            ['before', 'taken', 'after', 'later'].map((key) => put(transaction, key)),
          );
          behind.push(...outcomes.map((each) => ('reason' in each ? each.reason : undefined)));
        });
        await expect(failed).rejects.toSatisfy((error) => isUniqueViolation(error, 'meta'));
        const [before, ...others] = behind;
        expect(before).toBeUndefined();
        expect(others.map((error) => isUniqueViolation(error, 'meta'))).toEqual([true, true, true]);
        expect(await keys()).toEqual(['taken']);
      });

      it('calls what waits for its commit then, and not when it is rolled back', async () => {
        const seen: Promise<string[]>[] = [];
        const failed = database.transaction(async (transaction) => {
          afterCommit(transaction, () => seen.push(keys()));
          throw new Error('rolled back');
        });
        await expect(failed).rejects.toThrow('rolled back');
        await database.transaction(async (transaction) => {
          afterCommit(transaction, () => seen.push(keys()));
          await put(transaction, 'a');
          await nextTurn();
          expect(seen).toEqual([]);
        });
        expect(await Promise.all(seen)).toEqual([['a']]);
      });

      it('is of no use after its end', async () => {
        const kept: Transaction[] = [];
        await database.transaction(async (transaction) => {
          kept.push(transaction);
        });
        await expect(
          database.transaction(async (transaction) => {
            kept.push(transaction);
            throw new Error('rolled back');
          }),
        ).rejects.toThrow('rolled back');
        for (const transaction of kept) {
          await expect(put(transaction, 'late')).rejects.toThrow();
        }
        expect(await keys()).toEqual([]);
      });

      it('does not let a statement that nobody waited for slip into the next transaction', async () => {
        let late: Promise<unknown> = Promise.resolve();
        await database.transaction(async (transaction) => {
          late = nextTurn().then(() => put(transaction, 'late'));
          late.catch(() => undefined);
        });
        await database.transaction(async (transaction) => {
          await put(transaction, 'next');
          await nextTurn();
          await nextTurn();
        });
        await expect(late).rejects.toThrow();
        expect(await keys()).toEqual(['next']);
      });
    });

    describe('inside a transaction', () => {
      const uses: [string, (database: Database) => Promise<unknown>][] = [
        ['read', (root) => root.read((query) => query.selectFrom('meta').selectAll().execute())],
        ['revision', (root) => root.revision()],
        ['transaction', (root) => root.transaction((transaction) => put(transaction, 'inner'))],
        ['migrate', (root) => root.migrate()],
        ['close', (root) => root.close()],
      ];

      it.each(uses)('the root handle is refused for %s, and everything rolls back', async (_, use) => {
        const failed = database.transaction(async (transaction) => {
          await put(transaction, 'outer');
          await nextTurn();
          await use(database);
        });
        await expect(failed).rejects.toMatchObject({ code: 'storage_nested' });
        expect(await keys()).toEqual([]);
      });

      it.each(uses)('the refusal for %s cannot be swallowed', async (_, use) => {
        const failed = database.transaction(async (transaction) => {
          await put(transaction, 'outer');
          await use(database).catch(() => undefined);
        });
        await expect(failed).rejects.toMatchObject({ code: 'storage_nested' });
        expect(await keys()).toEqual([]);
      });

      it('another store is within reach', async () => {
        const other = await create();
        const elsewhere = await other.open();
        await elsewhere.migrate();
        await database.transaction(async (transaction) => {
          await put(transaction, 'here', String((await keys(elsewhere)).length));
        });
        await elsewhere.close();
        await other.cleanUp();
        expect(await keys()).toEqual(['here']);
      });

      it('what is started for later may use the root handle once the transaction has ended', async () => {
        const ended = gate();
        let later: Promise<string[]> = Promise.resolve([]);
        await database.transaction(async (transaction) => {
          await put(transaction, 'a');
          later = ended.opened.then(() => keys());
        });
        ended.open();
        expect(await later).toEqual(['a']);
      });
    });

    describe('a read', () => {
      it('sees what is committed between its statements', async () => {
        const seen = await database.read(async (query) => {
          const before = await query.selectFrom('meta').select('key').execute();
          await database.transaction((transaction) => put(transaction, 'a'));
          return [before, await query.selectFrom('meta').select('key').execute()];
        });
        expect(seen).toEqual([[], [{ key: 'a' }]]);
      });

      it('cannot write, whatever its types were made to say', async () => {
        const written = database.read((query) =>
          (query as unknown as Transaction).insertInto('meta').values({ key: 'a', value: '' }).execute(),
        );
        await expect(written).rejects.toMatchObject({ code: 'internal' });
        expect(await keys()).toEqual([]);
      });

      it('passes an error of its work on', async () => {
        const error = new CountersignError('not_found');
        await expect(
          database.read(async () => {
            throw error;
          }),
        ).rejects.toBe(error);
      });
    });

    describe('the revision', () => {
      it('is another one after each commit, whichever handle made it', async () => {
        const other = await open();
        const seen = [await database.revision()];
        for (const writer of [database, other, other, database]) {
          await increment(writer);
          seen.push(await database.revision());
        }
        expect(new Set(seen).size).toBe(seen.length);
      });

      it('is another one after a commit that was made within a transaction’s time', async () => {
        const before = await database.revision();
        await database.transaction(async (transaction) => {
          await put(transaction, 'a');
          await nextTurn();
        });
        expect(await database.revision()).not.toBe(before);
      });

      it('is another one after a change of the schema', async () => {
        const before = await database.revision();
        await database.transaction(createSamples);
        expect(await database.revision()).not.toBe(before);
      });
    });

    describe('a row that exists', () => {
      beforeEach(() => database.transaction((transaction) => put(transaction, 'jti')));

      it('is recognized by its table', async () => {
        const error: unknown = await database
          .transaction((transaction) => put(transaction, 'jti'))
          .catch((e) => e);
        expect(isCountersignError(error, 'conflict')).toBe(true);
        expect(isUniqueViolation(error)).toBe(true);
        expect(isUniqueViolation(error, 'meta')).toBe(true);
        expect(isUniqueViolation(error, 'schema_migrations')).toBe(false);
      });

      it('is recognized by a unique constraint other than the primary key', async () => {
        const error: unknown = await database
          .transaction((transaction) =>
            transaction
              .insertInto('schema_migrations')
              .values({ position: 99, id: '001-storage', applied_at: 0 })
              .execute(),
          )
          .catch((e) => e);
        expect(isUniqueViolation(error, 'schema_migrations')).toBe(true);
      });

      it('is not seen in other errors', async () => {
        expect(isUniqueViolation(new CountersignError('conflict'))).toBe(false);
        expect(isUniqueViolation(new Error('UNIQUE constraint failed: meta.key'))).toBe(false);
        const error: unknown = await database
          .transaction((transaction) => sql`select nonsense from nowhere`.execute(transaction))
          .catch((e) => e);
        expect(isUniqueViolation(error)).toBe(false);
        expect(isCountersignError(error, 'internal')).toBe(true);
      });

      it('can be left alone, and the count says so', async () => {
        const inserted = await database.transaction(async (transaction) => {
          const counts: (bigint | undefined)[] = [];
          for (const key of ['jti', 'new']) {
            const result = await transaction
              .insertInto('meta')
              .values({ key, value: '' })
              .onConflict((conflict) => conflict.doNothing())
              .executeTakeFirst();
            counts.push(result.numInsertedOrUpdatedRows);
          }
          return counts;
        });
        expect(inserted).toEqual([0n, 1n]);
      });

      it('is consumed by one of many at once', async () => {
        const results = await Promise.allSettled(
          Array.from({ length: 10 }, () => database.transaction((transaction) => put(transaction, 'once'))),
        );
        expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
        for (const result of results) {
          expect(result.status === 'fulfilled' || isUniqueViolation(result.reason, 'meta')).toBe(true);
        }
      });

      it('is counted when updated or deleted, and given back when asked for', async () => {
        await database.transaction(async (transaction) => {
          const updated = await transaction.updateTable('meta').set({ value: 'x' }).executeTakeFirst();
          expect(updated.numUpdatedRows).toBe(1n);
          const missed = await transaction.deleteFrom('meta').where('key', '=', 'none').executeTakeFirst();
          expect(missed.numDeletedRows).toBe(0n);
          const deleted = await transaction.deleteFrom('meta').returningAll().execute();
          expect(deleted).toEqual([{ key: 'jti', value: 'x' }]);
        });
      });
    });

    describe('values', () => {
      const samples = async <T>(
        work: (transaction: KyselyTransaction<Tables & Samples>) => Promise<T>,
      ): Promise<T> => database.transaction((transaction) => work(transaction.withTables<Samples>()));

      const store = (row: Partial<Samples['contract_samples']>) =>
        samples((transaction) =>
          transaction
            .insertInto('contract_samples')
            .values({ id: 1, bytes: null, number: null, text: null, ...row })
            .execute(),
        );

      const stored = async () => {
        const table = sql<Samples['contract_samples']>`contract_samples`.as('samples');
        return database.read((query) => query.selectFrom(table).selectAll().executeTakeFirstOrThrow());
      };

      beforeEach(async () => {
        const contract: Migration = { id: `${nextNumber(MIGRATIONS)}-contract`, up: createSamples };
        await (await open([...MIGRATIONS, contract])).migrate();
      });

      it.each([
        ['some', new Uint8Array([0, 1, 127, 128, 255])],
        ['none', new Uint8Array(0)],
        ['part of a larger array', new Uint8Array([9, 9, 1, 2, 9]).subarray(2, 4)],
        ['a Buffer', Buffer.from('bytes')],
        ['a MiB', new Uint8Array(1024 * 1024).map((_, index) => index % 251)],
      ])('bytes (%s) come back as they went in', async (_, bytes) => {
        await store({ bytes });
        const row = await stored();
        expect(row.bytes?.constructor).toBe(Uint8Array);
        expect(row.bytes?.length).toBe(bytes.length);
        expect(Buffer.compare(row.bytes ?? new Uint8Array(1), bytes)).toBe(0);
      });

      it.each([
        0,
        1,
        -1,
        2 ** 31 - 1,
        2 ** 31,
        -(2 ** 31) - 1,
        1_795_340_246_422,
        Number.MAX_SAFE_INTEGER,
        Number.MIN_SAFE_INTEGER,
      ])('the integer %d comes back, and is found', async (number) => {
        await store({ number });
        expect((await stored()).number).toBe(number);
        const found = await samples((transaction) =>
          transaction.selectFrom('contract_samples').select('id').where('number', '=', number).execute(),
        );
        expect(found).toHaveLength(1);
      });

      it.each([
        ['none', ''],
        ['from many scripts', 'Zoë 🐟 漢字'],
        ['with control characters', '\u0001\u001f\u007f'],
        ['that would be SQL', "'; drop table meta; --"],
        ['of a million characters', 'x'.repeat(1_000_000)],
      ])('text (%s) comes back as it went in', async (_, text) => {
        await store({ text });
        expect((await stored()).text).toBe(text);
      });

      it('null is neither zero nor empty', async () => {
        await store({});
        expect(await stored()).toEqual({ id: 1, bytes: null, number: null, text: null });
      });

      it.each(['admin\u0000x', '\u0000', 'half \ud83d', '\udc00 half'])(
        'the text %j is refused, not cut or changed',
        async (text) => {
          await expect(store({ text })).rejects.toMatchObject({ code: 'malformed_request' });
        },
      );

      it.each([
        ['true', true],
        ['a fraction', 1.5],
        ['not a number', Number.NaN],
        ['infinity', Number.POSITIVE_INFINITY],
        ['an integer beyond 2^53', 2 ** 53],
        ['a bigint', 1n],
        ['a date', new Date(0)],
        ['an object', {}],
        ['undefined', undefined],
      ])('%s is refused, not coerced', async (_, value) => {
        const found = samples((transaction) =>
          transaction
            .selectFrom('contract_samples')
            .selectAll()
            .where('number', '=', value as number)
            .execute(),
        );
        await expect(found).rejects.toMatchObject({ code: 'internal' });
      });

      it('a reference to nothing is refused', async () => {
        const dangling = samples((transaction) =>
          transaction.insertInto('contract_parts').values({ id: 1, sample: 7 }).execute(),
        );
        await expect(dangling).rejects.toMatchObject({ code: 'internal' });
      });

      it('come in large batches', async () => {
        await samples(async (transaction) => {
          for (let start = 0; start < 5_000; start += 500) {
            const rows = Array.from({ length: 500 }, (_, index) => ({
              id: start + index,
              bytes: new Uint8Array(200).fill(index % 256),
              number: index,
              text: `row ${start + index}`,
            }));
            await transaction.insertInto('contract_samples').values(rows).execute();
          }
        });
        const table = sql<Samples['contract_samples']>`contract_samples`.as('samples');
        const select = (limit: number) =>
          database.read((query) => query.selectFrom(table).selectAll().orderBy('id').limit(limit).execute());
        for (const limit of [0, 1, 99, 100, 101, 200, 5_000]) {
          expect((await select(limit)).map((row) => row.id)).toEqual(
            Array.from({ length: limit }, (_, id) => id),
          );
        }
        const wanted = Array.from({ length: 1_000 }, (_, index) => index * 10);
        const found = await database.read((query) =>
          query.selectFrom(table).select('id').where('id', 'in', wanted).execute(),
        );
        expect(found).toHaveLength(500);
      });
    });

    describe('migrations', () => {
      const first: Migration = {
        id: `${nextNumber(MIGRATIONS)}-first`,
        up: (t) => put(t, 'first').then(() => {}),
      };
      const second: Migration = {
        id: `${nextNumber([...MIGRATIONS, first])}-second`,
        up: (t) => put(t, 'second').then(() => {}),
      };

      it('are applied once, however often they are asked for', async () => {
        const handle = await open([...MIGRATIONS, first, second]);
        await handle.migrate();
        await handle.migrate();
        expect(await keys()).toEqual(['first', 'second']);
        const record = await database.read((query) =>
          query.selectFrom('schema_migrations').select(['position', 'id']).orderBy('position').execute(),
        );
        expect(record).toEqual(
          [...MIGRATIONS, first, second].map(({ id }, index) => ({ position: index + 1, id })),
        );
      });

      it('are applied once when two handles start together', async () => {
        const handles = [
          await open([...MIGRATIONS, first, second]),
          await open([...MIGRATIONS, first, second]),
        ];
        await Promise.all(handles.map((handle) => handle.migrate()));
        expect(await keys()).toEqual(['first', 'second']);
      });

      it('stop at one that fails, which leaves nothing behind and can be tried again', async () => {
        const broken: Migration = {
          id: second.id,
          up: async (transaction) => {
            await put(transaction, 'half');
            throw new Error('broken');
          },
        };
        await expect((await open([...MIGRATIONS, first, broken])).migrate()).rejects.toThrow('broken');
        expect(await keys()).toEqual(['first']);
        await (await open([...MIGRATIONS, first, second])).migrate();
        expect(await keys()).toEqual(['first', 'second']);
      });

      it('refuse a database of a newer version', async () => {
        await (await open([...MIGRATIONS, first])).migrate();
        await expect(database.migrate()).rejects.toMatchObject({
          code: 'state_refused',
          detail: expect.stringContaining(first.id),
        });
      });

      it('refuse a record with a gap', async () => {
        await (await open([...MIGRATIONS, first, second])).migrate();
        await database.transaction((transaction) =>
          transaction.deleteFrom('schema_migrations').where('id', '=', first.id).execute(),
        );
        const handle = await open([...MIGRATIONS, first, second]);
        await expect(handle.migrate()).rejects.toMatchObject({ code: 'state_refused' });
      });

      it('refuse a record in another order', async () => {
        const swapped: Migration = { id: first.id.replace('first', 'other'), up: second.up };
        await (await open([...MIGRATIONS, swapped])).migrate();
        const handle = await open([...MIGRATIONS, first, second]);
        await expect(handle.migrate()).rejects.toMatchObject({ code: 'state_refused' });
      });

      it('refuse a list that is not numbered without gaps', async () => {
        const handle = await open([...MIGRATIONS, second]);
        await expect(handle.migrate()).rejects.toMatchObject({ code: 'internal' });
        expect(await keys()).toEqual([]);
      });
    });

    describe('close', () => {
      it('waits for what runs and what is queued, and refuses what comes later', async () => {
        const started = gate();
        const goOn = gate();
        const handle = await open();
        const running = handle.transaction(async (transaction) => {
          started.open();
          await goOn.opened;
          await put(transaction, 'running');
        });
        const queued = handle.transaction((transaction) => put(transaction, 'queued'));
        const reading = handle.read(async (query) => {
          await goOn.opened;
          return query.selectFrom('meta').selectAll().execute();
        });
        await started.opened;

        let closed = false;
        const closing = handle.close().then(() => {
          closed = true;
        });
        await expect(handle.transaction((transaction) => put(transaction, 'late'))).rejects.toMatchObject({
          code: 'unavailable',
        });
        await expect(handle.read(async () => 'late')).rejects.toMatchObject({ code: 'unavailable' });
        expect(closed).toBe(false);

        goOn.open();
        await Promise.all([running, queued, reading, closing]);
        expect(await keys()).toEqual(['queued', 'running']);
      });

      it('can be asked for twice', async () => {
        const handle = await open();
        await Promise.all([handle.close(), handle.close()]);
        await handle.close();
      });
    });
  });
}

async function createSamples(transaction: Transaction): Promise<void> {
  await transaction.schema
    .createTable('contract_samples')
    .addColumn('id', 'integer', (column) => column.primaryKey().notNull())
    .addColumn('bytes', 'blob')
    .addColumn('number', 'integer')
    .addColumn('text', 'text')
    .execute();
  await transaction.schema
    .createTable('contract_parts')
    .addColumn('id', 'integer', (column) => column.primaryKey().notNull())
    .addColumn('sample', 'integer', (column) => column.notNull().references('contract_samples.id'))
    .execute();
}

function nextNumber(migrations: readonly Migration[]): string {
  return String(migrations.length + 1).padStart(3, '0');
}

/** Something to wait for that the test opens. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Lets everything that is ready to run do so. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
