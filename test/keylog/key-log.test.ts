import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DatabaseKeyLog } from '../../bridge/keylog/database-key-log.ts';
import { stagedVersions } from '../../bridge/keylog/version-store.ts';
import { readEntryBundle } from '../../bridge/tlog/log-tree.ts';
import { utf8 } from '../../protocol/bytes.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { parseLogEntry } from '../../protocol/keytrans/log-entry.ts';
import { decodeEntryBundle } from '../../protocol/tlog/tile.ts';
import { SOON } from '../fakes/soon.ts';
import { ALICE, type KeyLogFixture, keyLogFixture } from './key-log-fixture.ts';

let fixture: KeyLogFixture;

beforeEach(async () => {
  fixture = await keyLogFixture();
});

afterEach(async () => {
  vi.useRealTimers();
  await fixture.remove();
});

function rows() {
  return fixture.database.read((query) =>
    query.selectFrom('logged_versions').selectAll().orderBy('position').execute(),
  );
}

function isPublished(log: DatabaseKeyLog, name: string, version: number) {
  return fixture.database.read((query) => log.isPublished(query, 'address', name, version));
}

/** The kinds of the log's first 256 entries. */
async function entries(): Promise<string[]> {
  const { size } = await fixture.database.read((query) =>
    query.selectFrom('log_heads').select('size').where('log', '=', 'keys').executeTakeFirstOrThrow(),
  );
  const bundle = await fixture.database.read((query) => readEntryBundle(query, 'keys', 0, size));
  return decodeEntryBundle(bundle ?? new Uint8Array()).map((entry) => parseLogEntry(entry).kind);
}

describe('the key log', () => {
  it('publishes a staged version at once, with its value kept', async () => {
    const log = fixture.open();
    log.start();
    await fixture.stage(log);
    await log.published('address', ALICE, 0);
    const value = utf8(`address ${ALICE} 0`);
    expect(await rows()).toMatchObject([
      {
        kind: 'address',
        name: ALICE,
        version: 0,
        position: 1,
        epoch: 1,
        value,
        value_hash: sha256Base64url(value),
      },
    ]);
  });

  it('does not call a version published that is only staged, or never was', async () => {
    const log = fixture.open();
    await fixture.stage(log);
    expect(await isPublished(log, ALICE, 0)).toBe(false);
    expect(await isPublished(log, ALICE, 1)).toBe(false);
    log.start();
    await log.published('address', ALICE, 0);
    expect(await isPublished(log, ALICE, 0)).toBe(true);
  });

  it('does not publish what was rolled back', async () => {
    const log = fixture.open();
    const change = fixture.database.transaction(async (tx) => {
      await log.stage(tx, { kind: 'address', name: ALICE, version: 0, value: utf8('x') });
      throw new Error('the change fails');
    });
    await expect(change).rejects.toThrow('the change fails');
    await log.stop();
    expect(await rows()).toEqual([]);
  });

  it('takes a version once, and the second change is lost', async () => {
    const log = fixture.open();
    await fixture.stage(log);
    await expect(fixture.stage(log)).rejects.toMatchObject({ code: 'conflict' });
    await fixture.stage(log, { kind: 'trust-change' });
    expect(await rows()).toHaveLength(2);
  });

  it('gives each version one entry, also with two on one store', async () => {
    const [log, database] = [fixture.open(), await fixture.store.openAnother()];
    const other = fixture.open({ database });
    log.start();
    other.start();
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        await fixture.stage(log, { name: `a${index}@acme.example`, version: 0 });
        await fixture.stage(other, { name: `b${index}@acme.example`, database });
        await log.published('address', `a${index}@acme.example`, 0);
        await log.published('address', `b${index}@acme.example`, 0);
      }),
    );
    const kinds = await entries();
    const versions = kinds.flatMap((kind, index) => (kind === 'version' ? [index] : []));
    expect((await rows()).map((row) => row.position)).toEqual(versions);
    expect(kinds.lastIndexOf('start')).toBe(0);
  });

  it('begins with the VRF key and ends each epoch with its entry', async () => {
    const log = fixture.open();
    log.start();
    for (const version of [0, 1]) {
      await fixture.stage(log, { version });
      await log.published('address', ALICE, version);
    }
    expect(await entries()).toEqual(['start', 'version', 'epoch', 'version', 'epoch']);
  });

  it('closes an epoch with the first half of many, so that the others are proved meanwhile', async () => {
    const log = fixture.open();
    for (let index = 0; index < 72; index += 1) await fixture.stage(log, { name: `n${index}@acme.example` });
    await log.stop();
    const placed = await rows();
    expect(placed.map(({ name }) => name)).toEqual(placed.map((_, index) => `n${index}@acme.example`));
    const epochs = [1, 2, 3].map((epoch) => placed.filter((row) => row.epoch === epoch).length);
    expect(epochs).toEqual([36, 32, 4]);
  });

  it('computes the proofs of a version when it is expected, once', async () => {
    const proved = vi.fn();
    const log = fixture.open({ observer: { stapled: () => {}, proved } });
    await log.open();
    for (let time = 0; time < 2; time += 1) log.expect({ kind: 'address', name: ALICE, version: 0 });
    await vi.waitFor(() => expect(proved).toHaveBeenCalledTimes(2), SOON);
    await fixture.stage(log);
    await log.stop();
    expect(await isPublished(log, ALICE, 0)).toBe(true);
    expect(proved).toHaveBeenCalledTimes(2);
  });

  it('does not take a name that has no place in it', async () => {
    const log = fixture.open();
    for (const name of ['', 'x'.repeat(255)]) {
      await expect(fixture.stage(log, { name })).rejects.toMatchObject({ code: 'claims_invalid' });
    }
  });

  it('waits while the clock is behind the last epoch, and goes on when it is right', async () => {
    const log = fixture.open();
    log.start();
    await fixture.stage(log);
    await log.published('address', ALICE, 0);
    fixture.clock.advance(-60_000);
    await fixture.stage(log, { version: 1 });
    await log.stop();
    expect(await isPublished(log, ALICE, 1)).toBe(false);
    fixture.clock.advance(60_000);
    await log.stop();
    expect(await isPublished(log, ALICE, 1)).toBe(true);
  });

  it('keeps a name’s versions in their order, even where a clock went back', async () => {
    const log = fixture.open();
    for (const version of [0, 1, 2]) await fixture.stage(log, { name: ALICE, version: version });
    await fixture.database.transaction((tx) =>
      tx.updateTable('logged_versions').set({ staged_id: '0' }).where('version', '=', 2).execute(),
    );
    await log.stop();
    expect((await rows()).map((row) => row.version)).toEqual([0, 1, 2]);
  });

  it('looks at what waits longest, a revocation behind any number of new names too', async () => {
    const log = fixture.open();
    await fixture.stage(log, { name: ALICE, version: 3 });
    for (let index = 0; index < 5; index += 1)
      await fixture.stage(log, { name: `new-${index}@acme.example` });
    const looked = await fixture.database.read((query) => stagedVersions(query, 4));
    expect(looked.map(({ name, version }) => [name, version])).toEqual([
      ...[0, 1, 2].map((index) => [`new-${index}@acme.example`, 0]),
      [ALICE, 3],
    ]);
  });

  it('looks at a name’s earlier versions with it, even where a clock went back', async () => {
    const log = fixture.open();
    for (const version of [0, 1, 2]) await fixture.stage(log, { name: ALICE, version });
    await fixture.stage(log, { name: 'bob@acme.example' });
    await fixture.database.transaction((tx) =>
      tx.updateTable('logged_versions').set({ staged_id: '0' }).where('version', '=', 1).execute(),
    );
    const looked = await fixture.database.read((query) => stagedVersions(query, 1));
    expect(looked.map(({ name, version }) => [name, version])).toEqual([
      [ALICE, 0],
      [ALICE, 1],
    ]);
  });

  it('publishes after a restart what was staged before', async () => {
    await fixture.stage(fixture.open());
    const restarted = fixture.open({ database: await fixture.store.openAnother() });
    restarted.start();
    await restarted.published('address', ALICE, 0);
  });
});

/** Those of PostgreSQL's connections are not the log's. */
const ownTimers = () => (fixture.database.dialect === 'sqlite' ? vi.getTimerCount() : 0);

describe('waiting for publication', () => {
  it('ends when another process publishes', async () => {
    const log = fixture.open();
    await fixture.stage(log);
    const waiting = log.published('address', ALICE, 0);
    fixture.open({ database: await fixture.store.openAnother() }).start();
    await waiting;
  });

  it('ends with `unavailable` when nobody publishes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    const log = fixture.open();
    await fixture.stage(log);
    const waiting = expect(log.published('address', ALICE, 0)).rejects.toMatchObject({ code: 'unavailable' });
    await vi.advanceTimersByTimeAsync(10_000);
    await waiting;
    expect(ownTimers()).toBe(0);
  });

  it('leaves no timer behind', async () => {
    const log = fixture.open();
    await fixture.stage(log);
    await log.stop();
    vi.useFakeTimers();
    await log.published('address', ALICE, 0);
    expect(ownTimers()).toBe(0);
  });

  it('is refused inside the transaction that stages, which would wait for itself', async () => {
    const log = fixture.open();
    const nested = fixture.database.transaction(async (tx) => {
      await log.stage(tx, { kind: 'address', name: ALICE, version: 0, value: utf8('x') });
      await log.published('address', ALICE, 0);
    });
    await expect(nested).rejects.toMatchObject({ code: 'storage_nested' });
  });
});
