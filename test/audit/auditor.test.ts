import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openAuditor } from '../../bridge/keylog/audit/auditor.ts';
import { boundedRequest } from '../../bridge/keylog/audit/bounded-fetch.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { hashLeaf } from '../../protocol/tlog/merkle.ts';
import { encodeEntryBundle } from '../../protocol/tlog/tile.ts';
import { type AuditFixture, auditFixture } from './audit-fixture.ts';

let fixture: AuditFixture;
beforeEach(async () => {
  fixture = await auditFixture();
});
afterEach(() => fixture.remove());

describe('an auditor of an honest log', () => {
  it('replays it from nothing but the URL', async () => {
    await fixture.log.grow(3, 1, 300, 20);
    const outcome = await fixture.audit();
    expect(outcome).toMatchObject({
      ...{ outcome: 'verified', origin: fixture.log.origin, size: 329, epoch: 4, leaves: 324, replayed: 329 },
      trustedRoot: fixture.log.root,
    });
    expect(fixture.notices).toEqual([expect.stringContaining(fixture.log.root)]);
  });

  it('goes on where it stopped, and fetches nothing twice', async () => {
    await fixture.log.grow(600);
    await fixture.verify();
    await fixture.log.grow(1, 700);
    fixture.log.asked.length = 0;
    expect(await fixture.audit()).toMatchObject({ size: 1305, replayed: 703 });
    expect(fixture.log.asked.filter((path) => path.includes('entries/00'))).toEqual([
      ...[
        '/log/tile/entries/002',
        '/log/tile/entries/003',
        '/log/tile/entries/004',
        '/log/tile/entries/005.p/25',
      ],
    ]);
    expect(await fixture.audit()).toMatchObject({ size: 1305, replayed: 0 });
  });

  it('does work for what is new alone, at 50,000 entries', async () => {
    for (let epoch = 0; epoch < 250; epoch++) {
      fixture.log.addVersions(199);
      fixture.log.closeEpoch();
    }
    await fixture.log.publish();
    expect(await fixture.audit()).toMatchObject({
      size: 50_001,
      epoch: 250,
      leaves: 49_750,
      replayed: 50_001,
    });
    // Each bundle once, the hashes of all bundles in one tile, the edge, the checkpoint and the bridge's keys.
    const bundles = Math.ceil(50_001 / 256);
    expect(fixture.log.asked).toHaveLength(bundles + 4);
    expect(new Set(fixture.log.asked).size).toBe(bundles + 4);

    fixture.log.asked.length = 0;
    await fixture.log.grow(1);
    expect(await fixture.audit()).toMatchObject({ size: 50_003, replayed: 2 });
    expect(fixture.log.asked).toEqual([
      ...['/.well-known/openid-federation', '/log/checkpoint'],
      ...['/log/tile/0/195.p/83', '/log/tile/entries/195.p/83'],
    ]);

    fixture.log.asked.length = 0;
    expect(await fixture.audit()).toMatchObject({ size: 50_003, replayed: 0 });
    expect(fixture.log.asked).toHaveLength(2);
  });

  it('stays in memory between its runs, and replays then what is new', async () => {
    const auditor = await openAuditor({
      ...{ bridge: fixture.log.url, state: fixture.state, clock: systemClock },
      request: boundedRequest(fixture.log.fetch),
    });
    for (const count of [10, 300, 1]) {
      await fixture.log.grow(count);
      expect(await auditor.run()).toMatchObject({
        outcome: 'verified',
        replayed: count + (count === 10 ? 2 : 1),
      });
    }
    fixture.log.closeEpoch({ epoch: 9 });
    await fixture.log.publish();
    const alarm = await auditor.run();
    expect(alarm).toMatchObject({ outcome: 'alarm' });
    expect(await auditor.run()).toBe(alarm);
    await auditor.close();
  });

  it('waits its turn where the log asks for it, and gives up in the end', async () => {
    await fixture.log.grow(300);
    const pauses: number[] = [];
    fixture.log.answer = (path) => (path === 'tile/entries/000' && pauses.length < 2 ? 429 : undefined);
    const pause = async (milliseconds: number) => void pauses.push(milliseconds);
    expect(await fixture.verify({ pause })).toBe(302);
    expect(pauses).toEqual([10_000, 10_000]);
    fixture.log.answer = () => 429;
    await expect(fixture.audit({ pause })).rejects.toMatchObject({ code: 'outbound_failed' });
    expect(pauses).toHaveLength(9);
  });

  it('takes a full tile where the log has dropped the partial one', async () => {
    await fixture.log.grow(300);
    const bundleRoot = Buffer.from(
      await (await fixture.log.fetch(`${fixture.log.url}/log/tile/1/000.p/1`)).arrayBuffer(),
    );
    fixture.log.addVersions(600);
    const full = [...fixture.log.entries];
    fixture.log.answer = (path) => {
      if (path === 'tile/entries/001') return encodeEntryBundle(full.slice(256, 512));
      if (path === 'tile/0/001') return Buffer.concat(full.slice(256, 512).map((entry) => hashLeaf(entry)));
      if (path === 'tile/1/000') return Buffer.concat([bundleRoot, Buffer.alloc(255 * 32)]);
      return path.includes('.p/') ? 404 : undefined;
    };
    expect(await fixture.verify()).toBe(302);
  });
});
