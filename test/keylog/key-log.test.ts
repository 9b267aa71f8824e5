import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createKeyLog } from '../../bridge/keylog/database-key-log.ts';
import type { KeyLog, LoggedKind } from '../../bridge/keylog/key-log.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { utf8 } from '../../protocol/bytes.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { movableClock, type TemporaryStore, temporaryStore } from '../signer/signer-fixture.ts';

const logger = createLogger({ level: 'silent' });
const ALICE = 'alice@acme.example';

let store: TemporaryStore;
let logs: KeyLog[];

beforeEach(async () => {
  store = await temporaryStore(movableClock());
  logs = [];
});

afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(logs.map((log) => log.stop()));
  await store.remove();
});

function open(database: Database = store.database): KeyLog {
  const log = createKeyLog({ database, logger });
  logs.push(log);
  return log;
}

function stage(
  log: KeyLog,
  name: string,
  version: number,
  options: { kind?: LoggedKind; database?: Database } = {},
) {
  const { kind = 'address', database = store.database } = options;
  const value = utf8(`${kind} ${name} ${version}`);
  return database.transaction((tx) => log.stage(tx, { kind, name, version, value }));
}

function rows() {
  return store.database.read((query) =>
    query.selectFrom('logged_versions').selectAll().orderBy('position').execute(),
  );
}

function isPublished(log: KeyLog, name: string, version: number) {
  return store.database.read((query) => log.isPublished(query, 'address', name, version));
}

describe('the key log', () => {
  it('publishes a staged version at once, with its value kept', async () => {
    const log = open();
    log.start();
    await stage(log, ALICE, 0);
    await log.published('address', ALICE, 0);
    const value = utf8(`address ${ALICE} 0`);
    expect(await rows()).toMatchObject([
      { kind: 'address', name: ALICE, version: 0, position: 0, value, value_hash: sha256Base64url(value) },
    ]);
  });

  it('does not call a version published that is only staged, or never was', async () => {
    const log = open();
    await stage(log, ALICE, 0);
    expect(await isPublished(log, ALICE, 0)).toBe(false);
    expect(await isPublished(log, ALICE, 1)).toBe(false);
    log.start();
    await log.published('address', ALICE, 0);
    expect(await isPublished(log, ALICE, 0)).toBe(true);
  });

  it('does not publish what was rolled back', async () => {
    const log = open();
    const change = store.database.transaction(async (tx) => {
      await log.stage(tx, { kind: 'address', name: ALICE, version: 0, value: utf8('x') });
      throw new Error('the change fails');
    });
    await expect(change).rejects.toThrow('the change fails');
    await log.stop();
    expect(await rows()).toEqual([]);
  });

  it('takes a version once, and the second change is lost', async () => {
    const log = open();
    await stage(log, ALICE, 0);
    await expect(stage(log, ALICE, 0)).rejects.toMatchObject({ code: 'conflict' });
    await stage(log, ALICE, 0, { kind: 'trust-change' });
    expect(await rows()).toHaveLength(2);
  });

  it('gives positions without gaps, from 0, also with two on one store', async () => {
    const [log, database] = [open(), await store.openAnother()];
    const other = open(database);
    log.start();
    other.start();
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        await stage(log, `a${index}@acme.example`, 0);
        await stage(other, `b${index}@acme.example`, 0, { database });
        await log.published('address', `a${index}@acme.example`, 0);
        await log.published('address', `b${index}@acme.example`, 0);
      }),
    );
    expect((await rows()).map((row) => row.position)).toEqual(
      Array.from({ length: 40 }, (_, index) => index),
    );
  });

  it('keeps a name’s versions in their order, even where a clock went back', async () => {
    const log = open();
    for (const version of [0, 1, 2]) await stage(log, ALICE, version);
    await store.database.transaction((tx) =>
      tx.updateTable('logged_versions').set({ staged_id: '0' }).where('version', '=', 2).execute(),
    );
    await log.stop();
    expect((await rows()).map((row) => row.version)).toEqual([0, 1, 2]);
  });

  it('publishes after a restart what was staged before', async () => {
    await stage(open(), ALICE, 0);
    const restarted = open(await store.openAnother());
    restarted.start();
    await restarted.published('address', ALICE, 0);
  });
});

/** Those of PostgreSQL's connections are not the log's. */
const ownTimers = () => (store.database.dialect === 'sqlite' ? vi.getTimerCount() : 0);

describe('waiting for publication', () => {
  it('ends when another process publishes', async () => {
    const log = open();
    await stage(log, ALICE, 0);
    const waiting = log.published('address', ALICE, 0);
    open(await store.openAnother()).start();
    await waiting;
  });

  it('ends with `unavailable` when nobody publishes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    const log = open();
    await stage(log, ALICE, 0);
    const waiting = expect(log.published('address', ALICE, 0)).rejects.toMatchObject({ code: 'unavailable' });
    await vi.advanceTimersByTimeAsync(10_000);
    await waiting;
    expect(ownTimers()).toBe(0);
  });

  it('leaves no timer behind', async () => {
    const log = open();
    await stage(log, ALICE, 0);
    await log.stop();
    vi.useFakeTimers();
    await log.published('address', ALICE, 0);
    expect(ownTimers()).toBe(0);
  });

  it('is refused inside the transaction that stages, which would wait for itself', async () => {
    const log = open();
    const nested = store.database.transaction(async (tx) => {
      await log.stage(tx, { kind: 'address', name: ALICE, version: 0, value: utf8('x') });
      await log.published('address', ALICE, 0);
    });
    await expect(nested).rejects.toMatchObject({ code: 'storage_nested' });
  });
});
