import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../bridge/lib/clock.ts';
import type { Database, Query, Transaction } from '../../bridge/storage/database.ts';
import { consumeOnce } from '../../bridge/storage/one-time.ts';
import { rememberRead, rememberReads, rememberReadsOfOne } from '../../bridge/storage/remembered-reads.ts';
import { type TemporaryStore, temporaryStore } from '../fakes/temporary-store.ts';

describe.each(['many names at a time', 'one name at a time'])(
  'What was read and is remembered of %s',
  (kind) => {
    let store: TemporaryStore;
    let database: Database;
    /** The names of each read. */
    let reads: string[][];

    beforeEach(async () => {
      store = await temporaryStore(systemClock);
      database = store.database;
      reads = [];
    });

    afterEach(() => store.remove());

    const put = (key: string, value: string, on: Database = database) =>
      on.transaction((tx: Transaction) =>
        tx
          .insertInto('meta')
          .values({ key, value })
          .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
          .execute(),
      );

    const readFacts = async (query: Query, names: readonly string[]) => {
      reads.push([...names].sort());
      const rows = await query.selectFrom('meta').selectAll().where('key', 'in', names).execute();
      return new Map(rows.map(({ key, value }) => [key, value]));
    };

    const remembering = (room = 100, isSettled?: (value: string) => boolean) => {
      const options = { room, ...(isSettled === undefined ? {} : { isSettled }) };
      if (kind === 'many names at a time') return rememberReads(database, readFacts, options);
      const find = rememberReadsOfOne(database, readFacts, options);
      return async (names: readonly string[]) => {
        const found = await Promise.all(names.map(async (name) => [name, await find(name)] as const));
        return new Map(
          found.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
        );
      };
    };

    it('is what is there', async () => {
      await put('a', '1');
      const find = remembering();
      expect(await find(['a', 'b'])).toEqual(new Map([['a', '1']]));
      expect(await find(['a'])).toEqual(new Map([['a', '1']]));
      expect(await find([])).toEqual(new Map());
    });

    it('is another after a commit of this process', async () => {
      const find = remembering();
      for (const value of ['1', '2', '3']) {
        await put('a', value);
        expect((await find(['a'])).get('a')).toBe(value);
      }
    });

    it('is another after a commit of another process', async () => {
      const other = await store.openAnother();
      const find = remembering();
      for (const value of ['1', '2', '3']) {
        await put('a', value, other);
        expect((await find(['a'])).get('a')).toBe(value);
      }
    });

    it('is gone with what it was read from', async () => {
      await put('a', '1');
      const find = remembering();
      await find(['a']);
      await database.transaction((tx) => tx.deleteFrom('meta').where('key', '=', 'a').execute());
      expect(await find(['a'])).toEqual(new Map());
    });

    it('does not outlive a commit that comes between the question and the answer', async () => {
      await put('a', '1');
      let during: () => Promise<unknown> = () => put('a', '2');
      const find = rememberReads(
        database,
        async (query, names) => {
          const found = await readFacts(query, names);
          await during();
          return found;
        },
        { room: 1 },
      );
      expect((await find(['a'])).get('a')).toBe('1');
      during = async () => undefined;
      expect((await find(['a'])).get('a')).toBe('2');
    });

    it('is read once for all who ask in one turn of the event loop', async () => {
      await Promise.all([put('a', '1'), put('b', '2')]);
      const find = remembering();
      const answers = await Promise.all([find(['a']), find(['b']), find(['a', 'b', 'c'])]);
      expect(answers.map((answer) => [...answer.values()].sort())).toEqual([['1'], ['2'], ['1', '2']]);
      expect(reads).toEqual([['a', 'b', 'c']]);
    });

    it('is read in parts that a store takes', async () => {
      const names = Array.from({ length: 2_500 }, (_, index) => `n${index}`);
      await remembering()(names);
      expect(reads.map((part) => part.length)).toEqual([1_000, 1_000, 500]);
    });

    it('is asked for again after a read that failed', async () => {
      await put('a', '1');
      let fails = true;
      const find = rememberRead(database, async (query) => {
        if (fails) throw new Error('not now');
        return (await readFacts(query, ['a'])).get('a');
      });
      await expect(find()).rejects.toThrow('not now');
      fails = false;
      expect(await find()).toBe('1');
    });

    it('is refused inside a transaction', async () => {
      await put('a', '1');
      const find = remembering();
      await find(['a']);
      await expect(database.transaction(() => find(['a']))).rejects.toMatchObject({ code: 'storage_nested' });
    });

    describe.skipIf(process.env.COUNTERSIGN_TEST_STORE === 'postgres')('on the embedded store', () => {
      it('is not read again', async () => {
        await put('a', '1');
        const find = remembering();
        for (let times = 0; times < 3; times += 1) await find(['a']);
        expect(reads).toEqual([['a']]);
      });

      it('is not read again after commits to logs alone, or transactions that were undone', async () => {
        await put('a', '1');
        const find = remembering();
        await find(['a']);
        await database.transaction((tx) => consumeOnce(tx, 'test', 'id', 0));
        await database.transaction((tx) => tx.insertInto('events').values(EVENT).execute());
        await database.transaction((tx) =>
          tx.updateTable('events').set({ seq: 1 }).where('event_id', '=', EVENT.event_id).execute(),
        );
        await database.transaction((tx) => tx.deleteFrom('events').execute());
        const undone = database.transaction(async (tx) => {
          await tx.deleteFrom('meta').execute();
          throw new Error('undone');
        });
        await expect(undone).rejects.toThrow('undone');
        await find(['a']);
        expect(reads).toEqual([['a']]);
      });

      it('leaves out what is absent, and what is not settled', async () => {
        await Promise.all([put('a', 'settled'), put('b', 'waits')]);
        const isSettled = (value: string) => value === 'settled';
        const find = remembering(10, isSettled);
        await find(['a', 'b', 'c']);
        await find(['a', 'b', 'c']);
        expect(reads).toEqual([
          ['a', 'b', 'c'],
          ['b', 'c'],
        ]);
      });

      it('is forgotten when there is no room for more', async () => {
        await Promise.all([put('a', '1'), put('b', '2')]);
        const find = remembering(1);
        for (const name of ['a', 'a', 'b', 'a']) await find([name]);
        expect(reads).toEqual([['a'], ['b'], ['a']]);
      });
    });
  },
);

const EVENT = { event_id: 'e1', seq: null, body: '{}', prev: null, hash: null };
