import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openVrfKey } from '../../bridge/keylog/vrf-key.ts';
import { type KeyLogFixture, keyLogFixture } from './key-log-fixture.ts';

let fixture: KeyLogFixture;

beforeEach(async () => {
  fixture = await keyLogFixture();
});

afterEach(() => fixture.remove());

describe('the VRF key', () => {
  it('is made once, also when two processes begin at once', async () => {
    const { database, signer, store } = fixture;
    const others = [database, await store.openAnother()];
    const opened = await Promise.all(others.map((each) => openVrfKey({ database: each, signer })));
    expect(opened[0]).toEqual(opened[1]);
    expect(await openVrfKey({ database, signer })).toEqual(opened[0]);
  });

  it('rests sealed', async () => {
    const { database, signer } = fixture;
    const { seed } = await openVrfKey({ database, signer });
    const stored = await database.read((query) =>
      query.selectFrom('log_secrets').select('sealed').executeTakeFirstOrThrow(),
    );
    expect(Buffer.from(stored.sealed).includes(Buffer.from(seed))).toBe(false);
  });

  it('is not made anew for a log that has begun', async () => {
    const { database, signer } = fixture;
    const log = fixture.open();
    await fixture.stage(log);
    await log.stop();
    await database.transaction((tx) => tx.deleteFrom('log_secrets').execute());
    await expect(openVrfKey({ database, signer })).rejects.toMatchObject({ code: 'state_refused' });
  });

  it('is refused when the log began with another', async () => {
    const { database, signer } = fixture;
    const other = await keyLogFixture();
    try {
      await openVrfKey({ database: other.database, signer });
      const { sealed } = await other.database.read((query) =>
        query.selectFrom('log_secrets').select('sealed').executeTakeFirstOrThrow(),
      );
      const log = fixture.open();
      await fixture.stage(log);
      await log.stop();
      await database.transaction((tx) => tx.updateTable('log_secrets').set({ sealed }).execute());
    } finally {
      await other.remove();
    }
    await expect(openVrfKey({ database, signer })).rejects.toMatchObject({ code: 'state_refused' });
    await expect(fixture.open().open()).rejects.toMatchObject({ code: 'state_refused' });
  });
});
