import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Quorum } from '../../bridge/tlog/quorum.ts';
import { type KeyLogFixture, keyLogFixture } from './key-log-fixture.ts';

let fixture: KeyLogFixture;
beforeEach(async () => {
  fixture = await keyLogFixture();
});
afterEach(() => fixture.remove());

/** Witnesses that have seen the log at this size, and nothing since. */
function witnessedAt(size: () => number | undefined): Quorum {
  const found = {
    newestQuorate: async () => size(),
    reached: async () => true,
    demands: (kind: string) => kind === 'witness',
    noteCosigned: () => undefined,
    cosigners: [],
  };
  return found as unknown as Quorum;
}

describe('the proof of a version', () => {
  it('is in the best checkpoint for others, and in the newest of all for who asks for that', async () => {
    let witnessed: number | undefined;
    const log = fixture.open({ quorum: witnessedAt(() => witnessed) });
    log.start();
    await fixture.stage(log);
    await log.published('address', 'alice@acme.example', 0);
    witnessed = (await fixture.verify(await fixture.staple(log))).checkpoint.size;
    await fixture.stage(log, { name: 'bob@acme.example' });
    await log.published('address', 'bob@acme.example', 0);
    const best = await fixture.verify(await fixture.staple(log));
    const newest = await fixture.verify(
      await fixture.database.read((query) => log.staple(query, 'address', 'alice@acme.example', 0, 'newest')),
    );
    expect(best).toMatchObject({ epoch: 1, checkpoint: { size: witnessed } });
    expect(newest).toMatchObject({ epoch: 2, checkpoint: { size: witnessed + 2 } });
  });

  it('is in none where the version is not the newest, however new the checkpoint', async () => {
    const log = fixture.open();
    log.start();
    for (const version of [0, 1]) {
      await fixture.stage(log, { version });
      await log.published('address', 'alice@acme.example', version);
    }
    const shown = await fixture.database.read((query) =>
      log.staple(query, 'address', 'alice@acme.example', 0, 'newest'),
    );
    expect(shown).toBeNull();
  });
});
