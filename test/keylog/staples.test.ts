import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseLogStaple } from '../../protocol/keytrans/log-staple.ts';
import { ALICE, type KeyLogFixture, keyLogFixture } from './key-log-fixture.ts';

let fixture: KeyLogFixture;

beforeEach(async () => {
  fixture = await keyLogFixture();
});

afterEach(() => fixture.remove());

describe('the proof that is stapled to a version', () => {
  it.each([0, 1, 2, 3, 10])('shows that version %i is there and the newest', async (version) => {
    const log = fixture.open();
    for (let each = 0; each <= version; each++) await fixture.stage(log, { version: each });
    await log.stop();
    const verified = await fixture.verify(await fixture.staple(log, { version }), { version });
    expect(verified).toMatchObject({ level: 'logged', epoch: 1 });
  });

  it('is put together from what was proved before: no VRF proof is computed when it is read', async () => {
    const writing = fixture.open();
    for (let version = 0; version <= 3; version++) await fixture.stage(writing, { version });
    await writing.stop();
    const proved = vi.fn();
    // as it is after a restart, with nothing in memory
    const reading = fixture.open({ observer: { stapled: () => {}, proved } });
    for (const anchor of ['best', 'newest'] as const) {
      const staple = fixture.database.read((query) => reading.staple(query, 'address', ALICE, 3, anchor));
      await fixture.verify(await staple, { version: 3 });
    }
    for (const version of [0, 3]) {
      const entry = fixture.database.read((query) => reading.proveEntry(query, 'address', ALICE, version));
      expect(await entry).not.toBeNull();
    }
    expect(proved).not.toHaveBeenCalled();
  });

  it('is the same text until there is a new epoch', async () => {
    const log = fixture.open();
    await fixture.stage(log);
    await log.stop();
    const first = await fixture.staple(log);
    expect(await fixture.staple(log)).toBe(first);
    await fixture.stage(log, { name: 'bob@acme.example' });
    await log.stop();
    const second = await fixture.staple(log);
    expect(second).not.toBe(first);
    expect(await fixture.verify(second)).toMatchObject({ epoch: 2 });
  });

  it('is of no other value, name, version or kind', async () => {
    const log = fixture.open();
    await fixture.stage(log);
    await fixture.stage(log, { kind: 'policy', name: ALICE });
    await log.stop();
    const staple = await fixture.staple(log);
    await expect(fixture.verify(staple, { name: 'bob@acme.example' })).rejects.toMatchObject({
      code: 'vrf_invalid',
    });
    await expect(fixture.verify(staple, { kind: 'policy' })).rejects.toMatchObject({ code: 'vrf_invalid' });
    await expect(fixture.verify(staple, { version: 1 })).rejects.toMatchObject({ code: 'log_proof' });
  });

  it('is not there for what is staged only, was never logged, or has a newer version', async () => {
    const log = fixture.open();
    await fixture.stage(log);
    expect(await fixture.staple(log)).toBeNull();
    await log.stop();
    expect(await fixture.staple(log)).not.toBeNull();
    expect(await fixture.staple(log, { name: 'nobody@acme.example' })).toBeNull();
    await fixture.stage(log, { version: 1 });
    expect(await fixture.staple(log)).not.toBeNull();
    await log.stop();
    expect(await fixture.staple(log)).toBeNull();
    expect(await fixture.staple(log, { version: 1 })).not.toBeNull();
  });

  it('is of an epoch that is past for as long as its checkpoint is the newest that is signed', async () => {
    const log = fixture.open();
    await fixture.stage(log);
    await log.stop();
    const unsigned = fixture.open({
      checkpoints: {
        ...{ origin: '', noteOf: () => '', onPublished: () => {}, newest: async () => undefined },
        ...{ at: async () => undefined, publish: async () => false },
      },
    });
    for (let version = 0; version < 8; version++) {
      await fixture.stage(unsigned, { name: `b${version}@acme.example` });
      await unsigned.stop();
    }
    const reader = fixture.open();
    expect(await fixture.verify(await fixture.staple(reader))).toMatchObject({ epoch: 1 });
  });

  it('is made by another process too', async () => {
    const log = fixture.open();
    await fixture.stage(log);
    await log.stop();
    const other = fixture.open({ database: await fixture.store.openAnother() });
    expect(await fixture.staple(other)).toBe(await fixture.staple(log));
  });

  it('grows by some hashes, not with the number of names', async () => {
    const log = fixture.open();
    for (let index = 0; index < 200; index++) await fixture.stage(log, { name: `a${index}@acme.example` });
    await fixture.stage(log);
    await log.stop();
    const staple = parseLogStaple((await fixture.staple(log)) ?? '');
    expect(staple.prefixProof.elements.length).toBeLessThan(40);
    expect(await fixture.verify(await fixture.staple(log))).toMatchObject({ level: 'logged' });
  });
});

describe('a name that is forgotten', () => {
  it('has no proof any more, and its next version has one again', async () => {
    const log = fixture.open();
    await fixture.stage(log);
    await log.stop();
    expect(await fixture.staple(log)).not.toBeNull();
    await fixture.database.transaction((tx) => log.forget(tx, 'address', ALICE));
    expect(await fixture.staple(log)).toBeNull();
    const rows = await fixture.database.read((query) =>
      query.selectFrom('logged_versions').select(['opening', 'value', 'value_hash']).execute(),
    );
    expect(rows).toEqual([{ opening: null, value: new Uint8Array(), value_hash: '' }]);
    await fixture.stage(log, { version: 1 });
    await log.stop();
    expect(await fixture.verify(await fixture.staple(log, { version: 1 }), { version: 1 })).toMatchObject({
      epoch: 2,
    });
  });

  it('gets its entry all the same when it was only staged', async () => {
    const log = fixture.open();
    await fixture.stage(log);
    await fixture.database.transaction((tx) => log.forget(tx, 'address', ALICE));
    await log.stop();
    expect(await fixture.database.read((query) => log.isPublished(query, 'address', ALICE, 0))).toBe(true);
    expect(await fixture.staple(log)).toBeNull();
  });
});
