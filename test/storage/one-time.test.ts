import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { consumeOnce, purgeOneTime } from '../../bridge/storage/one-time.ts';
import { movableClock, type TemporaryStore, temporaryStore } from '../signer/signer-fixture.ts';

const MINUTE_MS = 60_000;
const clock = movableClock();
let store: TemporaryStore;

beforeEach(async () => {
  store = await temporaryStore(clock);
});

afterEach(async () => {
  await store.remove();
});

function consume(kind: string, id: string, database = store.database) {
  return database.transaction((tx) => consumeOnce(tx, kind, id, clock.now() + MINUTE_MS));
}

describe('a one-time id', () => {
  it('is used up once, also after a restart', async () => {
    await consume('assertion', 'a1');
    await expect(consume('assertion', 'a1')).rejects.toMatchObject({ code: 'replayed' });
    const restarted = await store.openAnother();
    await expect(consume('assertion', 'a1', restarted)).rejects.toMatchObject({ code: 'replayed' });
  });

  it('of another kind is another one', async () => {
    await consume('assertion', 'a1');
    await consume('jti', 'a1');
  });

  it('goes to one of two transactions at the same time', async () => {
    const other = await store.openAnother();
    const outcomes = await Promise.allSettled([
      consume('jti', 'j1'),
      consume('jti', 'j1', other),
      consume('jti', 'j1'),
    ]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('takes the whole transaction with it when it was used before', async () => {
    await consume('jti', 'j1');
    const replay = store.database.transaction(async (tx) => {
      await tx.insertInto('meta').values({ key: 'effect', value: '' }).execute();
      await consumeOnce(tx, 'jti', 'j1', clock.now() + MINUTE_MS);
    });
    await expect(replay).rejects.toMatchObject({ code: 'replayed' });
    expect(await store.database.read((query) => query.selectFrom('meta').selectAll().execute())).toEqual([]);
  });

  it('is not used up by a transaction that fails', async () => {
    const failing = store.database.transaction(async (tx) => {
      await consumeOnce(tx, 'jti', 'j1', clock.now() + MINUTE_MS);
      throw new Error('the change fails');
    });
    await expect(failing).rejects.toThrow('the change fails');
    await consume('jti', 'j1');
  });

  it('is remembered past the expiry of what it stands for, then forgotten', async () => {
    const database = store.database;
    const issued = clock.now();
    await database.transaction((tx) => consumeOnce(tx, 'jti', 'j1', issued + MINUTE_MS));
    expect(await database.transaction((tx) => purgeOneTime(tx, issued + 11 * MINUTE_MS))).toBe(0);
    expect(await database.transaction((tx) => purgeOneTime(tx, issued + 11 * MINUTE_MS + 1))).toBe(1);
  });
});
