import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventPruning } from '../../bridge/events/prune-events.ts';
import { storePruned } from '../../bridge/events/prune-store.ts';
import { firstIdOf } from '../../bridge/lib/ids.ts';
import { DAY_MS } from '../signer/signer-fixture.ts';
import { type EventProofFixture, eventProofFixture } from './event-proof-fixture.ts';

let fixture: EventProofFixture;
let pruning: EventPruning;

beforeEach(async () => {
  fixture = await eventProofFixture();
  await fixture.reportSigned(10);
  pruning = fixture.pruning(10);
});

afterEach(async () => {
  await fixture.remove();
});

/** The oldest `seq` that is left. */
async function oldestAfterPruning(): Promise<number | undefined> {
  await pruning.prune();
  await fixture.log.settled();
  return (await fixture.events())[0]?.seq;
}

function pass(days: number): void {
  fixture.age += days;
  fixture.uptime += days;
}

/** Has the event `seq` been reported so many days ago. */
async function dateBack(seq: number, days: number): Promise<void> {
  const [event] = await fixture.events(seq - 1);
  const event_id = firstIdOf(Date.now() - days * DAY_MS) + (event?.event_id ?? '').slice(13);
  await fixture.database.transaction(async (tx) => {
    await tx.updateTable('events').set({ event_id }).where('seq', '=', seq).execute();
  });
}

describe('a wrong clock', () => {
  it('that was set while the bridge ran prunes nothing', async () => {
    await pruning.prune();
    fixture.age = 3_650;
    expect(await oldestAfterPruning()).toBe(1);
  });

  it('that was set before the bridge started prunes nothing, held against the newest checkpoint', async () => {
    fixture.age = 3_650;
    expect(await oldestAfterPruning()).toBe(1);
  });

  it('that signed a checkpoint already prunes nothing, held against those of a day before', async () => {
    fixture.age = 20;
    fixture.clock.advance(20 * DAY_MS);
    await fixture.reportSigned(1);
    expect(await oldestAfterPruning()).toBe(1);
  });

  it('prunes nothing before it went on evenly for a day', async () => {
    fixture.age = 20;
    await pruning.prune();
    pass(0.9);
    expect(await oldestAfterPruning()).toBe(1);
    pass(0.1);
    expect(await oldestAfterPruning()).toBe(11);
  });

  it('that is put right in time prunes nothing at all', async () => {
    fixture.age = 3_650;
    await pruning.prune();
    pass(0.5);
    fixture.age = 0.5;
    await pruning.prune();
    pass(2);
    expect(await oldestAfterPruning()).toBe(1);
  });

  it('that is believed takes the events of a week, not the whole log', async () => {
    for (const [index, days] of [40, 35, 32, 20].entries()) await dateBack(index + 1, days);
    fixture.age = 3_650;
    await pruning.prune();
    pass(1);
    expect(await oldestAfterPruning()).toBe(3);
    pass(1);
    expect(await oldestAfterPruning()).toBe(4);
  });
});

describe('a clock that goes on evenly', () => {
  /** A process that starts, with a day more on the clock, and signs. */
  async function nextDay(): Promise<void> {
    fixture.age += 1;
    fixture.clock.advance(DAY_MS);
    pruning = fixture.pruning(10);
    await pruning.prune();
    await fixture.reportSigned(1);
  }

  it('is believed by a bridge that is restarted daily, and has pruned nothing for long', async () => {
    await fixture.database.transaction((tx) => storePruned(tx, { seq: 0, time: Date.now() - 30 * DAY_MS }));
    for (let day = 0; day < 9; day += 1) await nextDay();
    expect(await oldestAfterPruning()).toBe(1);
    await nextDay();
    await nextDay();
    expect(await oldestAfterPruning()).toBeGreaterThan(10);
  });

  it('is believed a day after it was doubted, although the bridge was restarted meanwhile', async () => {
    fixture.age += 19;
    fixture.clock.advance(19 * DAY_MS);
    await nextDay();
    expect(await oldestAfterPruning()).toBe(1);
    await nextDay();
    expect(await oldestAfterPruning()).toBeGreaterThan(10);
  });

  it('is believed at once, however long ago it was looked at', async () => {
    await pruning.prune();
    pass(20);
    expect(await oldestAfterPruning()).toBe(11);
  });
});
