import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../bridge/lib/clock.ts';
import { isUniqueViolation } from '../../bridge/storage/database.ts';
import { repeatedStatement } from '../../bridge/storage/repeated-statement.ts';
import { type TemporaryStore, temporaryStore } from '../fakes/temporary-store.ts';

describe('A repeated statement', () => {
  let store: TemporaryStore;

  beforeEach(async () => {
    store = await temporaryStore(systemClock);
  });

  afterEach(() => store.remove());

  type Fact = { readonly key: string; readonly value: string };

  const facts = (count: number, value: string): Fact[] =>
    Array.from({ length: count }, (_, index) => ({ key: `k${index}`, value: `${value} of ${index}` }));

  const stored = async (): Promise<Fact[]> => {
    const rows = await store.database.read((query) => query.selectFrom('meta').selectAll().execute());
    return rows.sort((a, b) => Number(a.key.slice(1)) - Number(b.key.slice(1)));
  };

  it('gives each value its place, however many rows there are, and counts them', async () => {
    let built = 0;
    const save = repeatedStatement((tx, rows: Fact[]) => {
      built += 1;
      return tx
        .insertInto('meta')
        .values(rows)
        .onConflict((conflict) =>
          conflict.column('key').doUpdateSet(({ ref }) => ({ value: ref('excluded.value') })),
        );
    });
    for (const [round, count] of [1, 3, 4, 5, 21, 64, 150, 0, 150].entries()) {
      const rows = facts(count, `round ${round}`);
      expect(await store.database.transaction((tx) => save(tx, rows))).toBe(count);
      expect((await stored()).slice(0, count)).toEqual(rows);
    }
    // of 1, 2, 4, 16 and 64 rows
    expect(built).toBe(5);
  });

  it('takes the members of a row in any order', async () => {
    const insert = repeatedStatement((tx, rows: Fact[]) => tx.insertInto('meta').values(rows));
    const rows = facts(4, 'x').map(({ key, value }, index) => (index % 2 ? { value, key } : { key, value }));
    await store.database.transaction((tx) => insert(tx, rows));
    expect(await stored()).toEqual(rows);
  });

  it('fails as the statement does', async () => {
    const insert = repeatedStatement((tx, rows: Fact[]) => tx.insertInto('meta').values(rows));
    await store.database.transaction((tx) => insert(tx, facts(1, 'x')));
    const again = store.database.transaction((tx) => insert(tx, facts(2, 'y')));
    await expect(again).rejects.toSatisfy((error) => isUniqueViolation(error, 'meta'));
    expect(await stored()).toEqual(facts(1, 'x'));
  });

  it('refuses to be built over anything but its rows', async () => {
    const insert = repeatedStatement((tx, rows: Fact[]) =>
      tx.insertInto('meta').values(rows.map((row) => ({ ...row, value: 'always' }))),
    );
    const inserted = store.database.transaction((tx) => insert(tx, facts(1, 'x')));
    await expect(inserted).rejects.toMatchObject({ code: 'internal' });
  });
});
