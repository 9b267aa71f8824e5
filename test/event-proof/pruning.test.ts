import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { verifyChain } from '../events/verified-chain.ts';
import { ISS } from '../signer/signer-fixture.ts';
import { type EventProofFixture, eventProofFixture } from './event-proof-fixture.ts';

let fixture: EventProofFixture;

beforeEach(async () => {
  fixture = await eventProofFixture();
  await fixture.reportSigned(10);
  fixture.age = 20;
});

afterEach(async () => {
  await fixture.remove();
});

/** The `seq` of what is left. */
async function prune(days: number): Promise<number[]> {
  const pruning = fixture.pruning(days);
  await pruning.prune();
  // a clock that jumped by so many days is believed a day later
  fixture.uptime += 1;
  await pruning.prune();
  await fixture.log.settled();
  return (await fixture.events()).map(({ seq }) => seq);
}

describe('pruning', () => {
  it('lets go of the content of events that are older than they are to be kept, and says so', async () => {
    expect(await prune(10)).toEqual([11, 12]);
    expect((await fixture.events()).at(-1)).toMatchObject({
      type: 'log.pruned',
      data: { from_seq: 1, to_seq: 10, retention_days: 10 },
    });
  });

  it('keeps what is younger', async () => {
    expect(await prune(30)).toHaveLength(11);
  });

  it('keeps everything where it is to be kept for ever', async () => {
    expect(await prune(0)).toHaveLength(11);
  });

  it('keeps what a sink still needs', async () => {
    fixture.needed = 7;
    expect((await prune(10))[0]).toBe(7);
  });

  it('keeps what no checkpoint covers yet', async () => {
    await fixture.report(3);
    expect((await prune(10))[0]).toBe(11);
  });

  it('happens once a day at most, so that it says little of itself', async () => {
    await prune(10);
    await fixture.reportSigned(1);
    expect((await prune(10))[0]).toBe(11);
    fixture.age = 21;
    expect((await prune(10))[0]).toBe(14);
  });

  it('tells a reader who is behind what there still is, and gives one from the beginning the oldest', async () => {
    await prune(10);
    await expect(fixture.log.page({ since: 3, limit: 5 })).rejects.toMatchObject({
      code: 'events_pruned',
      detail: expect.stringContaining('the seq 11'),
    });
    expect(await fixture.log.page({ since: 10, limit: 1 })).toMatchObject([{ seq: 11 }]);
    expect(await fixture.log.page({ since: 0, limit: 1 })).toMatchObject([{ seq: 11 }]);
  });

  it('leaves a chain that verifies from the oldest event on, and the hashes of all that were before', async () => {
    const pruned = await fixture.events();
    await prune(10);
    expect((await verifyChain(fixture.database, ISS)).size).toBe(12);
    const hashes = Buffer.from(await fixture.proofs.hashes({ from: 1, to: 10 }));
    expect(hashes.subarray(0, 32).toString('base64url')).toBe(pruned[0]?.hash);
    expect(hashes.subarray(288).toString('base64url')).toBe(pruned[9]?.hash);
  });
});
