import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkEvidence } from '../../bridge/keylog/audit/check-evidence.ts';
import type { Evidence } from '../../bridge/keylog/audit/evidence.ts';
import { encodeLogEntry } from '../../protocol/keytrans/log-entry.ts';
import { type AuditFixture, auditFixture } from './audit-fixture.ts';

let fixture: AuditFixture;
beforeEach(async () => {
  fixture = await auditFixture();
});
afterEach(() => fixture.remove());

/** The alarm, and whether its evidence convinces somebody who has only the file and the root. */
async function found(): Promise<Pick<Evidence['finding'], 'code' | 'index'> & { proven: boolean }> {
  const evidence = await fixture.alarm();
  const file: unknown = JSON.parse(JSON.stringify(evidence));
  const { proven } = await checkEvidence(file, { root: fixture.log.root });
  return { code: evidence.finding.code, index: evidence.finding.index, proven };
}

const lastEpoch = () => fixture.log.entries.length - 1;

describe('a log that breaks its rules from the beginning is found out when it', () => {
  it('does not begin with the VRF key', async () => {
    fixture.log.entries.shift();
    await fixture.log.grow(3);
    expect(await found()).toEqual({ code: 'first_entry', index: 0, proven: true });
  });

  it('has a second VRF key', async () => {
    await fixture.log.grow(300);
    fixture.log.entries.push(encodeLogEntry({ kind: 'start', vrfPublicKey: new Uint8Array(32).fill(1) }));
    await fixture.log.grow(2);
    expect(await found()).toEqual({ code: 'second_start', index: 302, proven: true });
  });

  it('has an entry of a kind that nobody knows', async () => {
    fixture.log.addVersions(4);
    fixture.log.entries.push(Uint8Array.of(9, 1, 2, 3));
    await fixture.log.grow(2);
    expect(await found()).toEqual({ code: 'unknown_entry', index: 5, proven: true });
  });

  it('has a version entry with a byte too many', async () => {
    fixture.log.addVersions(1);
    fixture.log.entries.push(Buffer.concat([fixture.log.entries[1] ?? Buffer.alloc(0), Buffer.alloc(1)]));
    await fixture.log.grow(2);
    expect(await found()).toEqual({ code: 'unknown_entry', index: 2, proven: true });
  });

  it('gives two versions one place in the map', async () => {
    await fixture.log.grow(5, 5);
    const [, , twice = Buffer.alloc(0)] = fixture.log.entries;
    fixture.log.entries.push(Buffer.concat([twice.subarray(0, 33), Buffer.alloc(32, 1)]));
    await fixture.log.grow(1);
    expect(await found()).toEqual({ code: 'output_twice', index: 13, proven: true });
  });

  it('closes an epoch that does not follow the last', async () => {
    await fixture.log.grow(3, 3);
    for (const epoch of [2, 1, 7]) {
      const before = fixture.log.entries.length;
      fixture.log.addVersions(1);
      fixture.log.closeEpoch({ epoch });
      await fixture.log.publish();
      expect(await found()).toEqual({ code: 'epoch_not_next', index: lastEpoch(), proven: true });
      fixture.log.entries.length = before;
      await fixture.remove();
      fixture = await auditFixture();
      await fixture.log.grow(3, 3);
    }
  });

  it('begins with another epoch than the first', async () => {
    fixture.log.addVersions(3);
    fixture.log.closeEpoch({ epoch: 2 });
    await fixture.log.publish();
    expect(await found()).toEqual({ code: 'epoch_not_next', index: 4, proven: true });
  });

  it('closes an epoch before the one that came first', async () => {
    await fixture.log.grow(2);
    fixture.log.addVersions(1);
    fixture.log.closeEpoch({ time: 1_600_000_000_000 });
    await fixture.log.publish();
    expect(await found()).toEqual({ code: 'time_back', index: 5, proven: true });
  });

  it('counts the leaves of the map wrongly', async () => {
    await fixture.log.grow(2);
    fixture.log.addVersions(1);
    fixture.log.closeEpoch({ leaves: 4 });
    await fixture.log.publish();
    expect(await found()).toEqual({ code: 'leaves_count', index: 5, proven: true });
  });

  it.each([
    ['in its first epoch', []],
    ['over a few leaves', [2, 300]],
  ])('says another root of the map than its entries have, %s', async (_, before) => {
    await fixture.log.grow(...before);
    fixture.log.addVersions(260);
    fixture.log.closeEpoch({ prefixRoot: Buffer.alloc(32, 7) });
    await fixture.log.grow(1);
    expect(await found()).toEqual({ code: 'prefix_root', index: lastEpoch() - 2, proven: true });
  });

  it('leaves an entry out of the map', async () => {
    await fixture.log.grow(40);
    fixture.log.addVersions(5);
    fixture.log.closeEpoch();
    const [entry] = fixture.log.entries.splice(43, 1, Buffer.alloc(65, 1));
    expect(entry?.[0]).toBe(1);
    await fixture.log.publish();
    expect(await found()).toEqual({ code: 'prefix_root', index: 47, proven: true });
  });

  it('signs a checkpoint between two epochs', async () => {
    await fixture.log.grow(2, 300);
    await fixture.log.publish(280);
    expect(await found()).toEqual({ code: 'not_at_epoch_end', index: 279, proven: true });
  });

  it('signs an empty tree', async () => {
    await fixture.log.publish(0);
    expect(await found()).toEqual({ code: 'not_at_epoch_end', index: null, proven: true });
  });
});

describe('a log that goes back on what it signed is found out when, after the last run, it', () => {
  beforeEach(async () => {
    await fixture.log.grow(300, 300);
    expect(await fixture.verify()).toBe(603);
  });

  it.each([
    ['first', 1],
    ['300th', 300],
    ['newest', 601],
  ])('changed the %s version', async (_, index) => {
    const entry = fixture.log.entries[index] ?? Buffer.alloc(65);
    fixture.log.entries[index] = Buffer.concat([
      entry.subarray(0, 64),
      Buffer.alloc(1, (entry[64] ?? 0) + 1),
    ]);
    await fixture.log.grow(20);
    expect(await found()).toEqual({ code: 'history_rewritten', index, proven: true });
  });

  it('removed an entry', async () => {
    fixture.log.entries.splice(17, 1);
    await fixture.log.grow(20);
    expect(await found()).toEqual({ code: 'history_rewritten', index: 17, proven: true });
  });

  it('inserted an entry', async () => {
    fixture.log.entries.splice(17, 0, Buffer.alloc(65, 1));
    await fixture.log.grow(20);
    expect(await found()).toEqual({ code: 'history_rewritten', index: 17, proven: true });
  });

  it('reordered two entries of one epoch, which leaves the map as it was', async () => {
    const { entries } = fixture.log;
    [entries[401], entries[402]] = [entries[402] ?? Buffer.alloc(0), entries[401] ?? Buffer.alloc(0)];
    await fixture.log.grow(20);
    expect(await found()).toEqual({ code: 'history_rewritten', index: 401, proven: true });
  });

  it('removed an entry and signed a tree of the same size', async () => {
    fixture.log.entries.splice(17, 1);
    fixture.log.addVersions(1);
    await fixture.log.publish();
    expect(await found()).toEqual({ code: 'split_view', index: null, proven: true });
  });

  it('removed its newest epoch', async () => {
    await fixture.log.publish(302);
    expect(await found()).toEqual({ code: 'rolled_back', index: null, proven: false });
  });

  it('removed its newest epoch and wrote another in its place', async () => {
    fixture.log.entries.length = 302;
    await fixture.log.grow(20);
    expect(await found()).toEqual({ code: 'history_rewritten', index: 302, proven: true });
  });

  it('began again from nothing', async () => {
    fixture.log.entries.length = 1;
    fixture.log.addVersions(700);
    fixture.log.closeEpoch({ epoch: 1 });
    await fixture.log.publish();
    expect(await found()).toEqual({ code: 'history_rewritten', index: 1, proven: true });
  });
});

describe('a log whose answers are not what it signed is found out when it', () => {
  beforeEach(() => fixture.log.grow(300, 300));

  const servedAs = async (change: (entries: Uint8Array[]) => void) => {
    const honest = [...fixture.log.entries];
    const shown = [...honest];
    change(shown);
    // The tree stays that of the honest entries: it was built when the checkpoint was signed.
    fixture.log.entries = shown;
  };

  it('leaves an entry out', async () => {
    await servedAs((entries) => entries.splice(40, 1));
    expect(await found()).toEqual({ code: 'entries_differ', index: 40, proven: false });
  });

  it('changes an entry', async () => {
    await servedAs((entries) => entries.splice(555, 1, Buffer.alloc(65, 1)));
    expect(await found()).toEqual({ code: 'entries_differ', index: 555, proven: false });
  });

  it('swaps two entries', async () => {
    await servedAs((entries) => entries.splice(40, 2, ...entries.slice(40, 42).toReversed()));
    expect(await found()).toEqual({ code: 'entries_differ', index: 40, proven: false });
  });

  it.each(['tile/1/000.p/2', 'tile/0/002.p/91'])('serves another %s', async (path) => {
    fixture.log.answer = (asked) =>
      asked === path ? Buffer.alloc(path.startsWith('tile/1') ? 64 : 91 * 32) : undefined;
    expect(await found()).toEqual({ code: 'tiles_wrong', index: null, proven: false });
  });

  it.each([
    ['truncated', 'tile/entries/001', Buffer.from([0, 65, 1, 2, 3])],
    ['empty', 'tile/entries/001', Buffer.alloc(0)],
    ['oversized', 'tile/entries/001', Buffer.alloc(300_000)],
    ['truncated', 'tile/1/000.p/2', Buffer.alloc(63)],
    ['oversized', 'tile/1/000.p/2', Buffer.alloc(96)],
    ['oversized', 'tile/0/002.p/91', Buffer.alloc(20_000)],
  ])('serves a tile that is %s: %s', async (_, path, body) => {
    fixture.log.answer = (asked) => (asked === path ? body : undefined);
    expect(await found()).toEqual({ code: 'tile_malformed', index: null, proven: false });
  });
});
