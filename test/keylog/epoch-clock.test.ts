import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DatabaseKeyLog } from '../../bridge/keylog/database-key-log.ts';
import { createEpochClock, type EpochClock, type KnownTimes } from '../../bridge/keylog/epoch-clock.ts';
import { serverTime } from '../../bridge/keylog/epoch-store.ts';
import { EPOCH_CLOCK_LEAP_MS, EPOCH_CLOCK_SETTLED_MS } from '../../bridge/lib/limits.ts';
import { type MovableClock, movableClock } from '../signer/signer-fixture.ts';
import { type KeyLogFixture, keyLogFixture } from './key-log-fixture.ts';

const MONTH_MS = 30 * 86_400_000;
const AHEAD = { code: 'clock_ahead' };

describe('an epoch while the clock is ahead', () => {
  let fixture: KeyLogFixture;
  let log: DatabaseKeyLog;

  beforeEach(async () => {
    fixture = await keyLogFixture();
    log = fixture.open();
    log.start();
    await fixture.stage(log);
    await log.stop();
  });
  afterEach(() => fixture.remove());

  it('is not closed, and what was staged is logged at the right time once the clock is set back', async () => {
    const { clock } = fixture;
    const right = clock.now();
    clock.set(right + MONTH_MS);
    await fixture.stage(log, { name: 'bob@acme.example' });
    await log.stop();
    const bob = () =>
      fixture.database.read((query) => log.isPublished(query, 'address', 'bob@acme.example', 0));
    expect(await bob()).toBe(false);
    clock.set(right);
    await fixture.verify(await fixture.staple(log));
    await log.stop();
    expect(await bob()).toBe(true);
    expect((await fixture.verify(await fixture.staple(log))).epoch).toBe(2);
  });

  it('is closed after a month in which nothing happened', async () => {
    fixture.clock.advance(MONTH_MS);
    await fixture.stage(log, { name: 'bob@acme.example' });
    await log.stop();
    expect((await fixture.verify(await fixture.staple(log))).epoch).toBe(2);
  });
});

describe.skipIf(process.env.COUNTERSIGN_TEST_STORE !== 'postgres')('the clock of PostgreSQL', () => {
  it('speaks for the clock of the bridge, or against it', async () => {
    const fixture = await keyLogFixture();
    const { clock, database } = fixture;
    const log = fixture.open({ serverTime });
    await fixture.stage(log);
    await log.stop();
    clock.set(Date.now() + MONTH_MS);
    clock.advance(EPOCH_CLOCK_SETTLED_MS);
    await fixture.stage(log, { name: 'bob@acme.example' });
    await log.stop();
    const bob = () => database.read((query) => log.isPublished(query, 'address', 'bob@acme.example', 0));
    expect(await bob()).toBe(false);
    await database.transaction((tx) =>
      tx
        .updateTable('log_epochs')
        .set({ time_ms: Date.now() - MONTH_MS })
        .execute(),
    );
    clock.set(Date.now());
    await log.stop();
    expect(await bob()).toBe(true);
    await fixture.remove();
  });
});

describe('a clock that shows far more than the last epoch', () => {
  let clock: MovableClock;
  let epochClock: EpochClock;
  let last: number;
  let known: KnownTimes;

  beforeEach(() => {
    clock = movableClock();
    last = clock.now();
    clock.set(last + MONTH_MS);
    epochClock = createEpochClock(clock);
    known = { right: undefined, others: [] };
  });

  const check = () => epochClock.assertBelievable(last, async () => known);
  const seconds = (offset = 0) => Math.floor((clock.now() + offset) / 1000);

  it('is believed at once within a day of it', async () => {
    clock.set(last + EPOCH_CLOCK_LEAP_MS);
    await check();
    clock.set(last + EPOCH_CLOCK_LEAP_MS + 1);
    await expect(check()).rejects.toMatchObject(AHEAD);
  });

  it('is believed once it went on evenly for some minutes, where nothing else tells the time', async () => {
    await expect(check()).rejects.toMatchObject(AHEAD);
    clock.advance(EPOCH_CLOCK_SETTLED_MS - 1);
    await expect(check()).rejects.toMatchObject(AHEAD);
    clock.advance(1);
    await check();
    clock.set(clock.now() + 60_000);
    await expect(check()).rejects.toMatchObject(AHEAD);
  });

  it('is believed where it was right not long ago, as a cosignature that was stored says', async () => {
    known = { right: clock.now() - EPOCH_CLOCK_LEAP_MS, others: [] };
    await check();
    known = { right: clock.now() - EPOCH_CLOCK_LEAP_MS - 1, others: [] };
    await expect(check()).rejects.toMatchObject(AHEAD);
  });

  it('is believed after a quiet month through which it was seen to go on, whatever a witness with a wrong clock says', async () => {
    clock.set(last);
    const running = createEpochClock(clock);
    const check = () => running.assertBelievable(last, async () => known);
    clock.advance(MONTH_MS);
    running.heard('w1', seconds(-MONTH_MS));
    await check();
    clock.set(clock.now() + EPOCH_CLOCK_LEAP_MS + 1);
    await expect(check()).rejects.toMatchObject(AHEAD);
  });

  it('is not believed for what it went on before it was set', async () => {
    clock.set(last);
    const running = createEpochClock(clock);
    clock.advance(MONTH_MS);
    clock.set(clock.now() + MONTH_MS);
    running.heard('w1', seconds(-MONTH_MS));
    await expect(running.assertBelievable(last, async () => known)).rejects.toMatchObject(AHEAD);
  });

  it('is believed where a witness says so', async () => {
    epochClock.heard('w1', seconds());
    await check();
  });

  it('is not believed against a witness, however long it goes on, and says which', async () => {
    clock.advance(2 * EPOCH_CLOCK_SETTLED_MS);
    epochClock.heard('w1', seconds(-MONTH_MS));
    await expect(check()).rejects.toMatchObject({ ...AHEAD, detail: expect.stringContaining('w1 says') });
    known = { right: undefined, others: [{ name: 'The database', time: clock.now() }] };
    await expect(check()).rejects.toMatchObject(AHEAD);
    epochClock.heard('w2', seconds());
    await check();
  });

  it('is not believed against the database, and after an hour a witness that fell silent counts no more', async () => {
    known = { right: undefined, others: [{ name: 'The database', time: last }] };
    await expect(check()).rejects.toMatchObject({
      ...AHEAD,
      detail: expect.stringContaining('The database'),
    });
    known = { right: undefined, others: [] };
    epochClock.heard('w1', seconds(-MONTH_MS));
    clock.advance(3_600_000);
    await check();
  });
});
