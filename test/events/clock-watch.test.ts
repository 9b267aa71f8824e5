import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startClockWatch } from '../../bridge/events/clock-watch.ts';
import { SOON } from '../fakes/soon.ts';
import { all, type EventsFixture, eventsFixture, quiet } from './events-fixture.ts';

let fixture: EventsFixture;

beforeEach(async () => {
  fixture = await eventsFixture();
});

afterEach(async () => {
  await fixture.remove();
});

/** What is reported when the clock shows one time after the other, looked at with this much between. */
async function reported(times: readonly number[], between = 1_000): Promise<unknown[]> {
  const { log } = fixture;
  log.start();
  let time = times[0] ?? 0;
  let elapsed = 0;
  const clock = { now: () => time };
  const watch = startClockWatch({ events: log, logger: quiet, clock, elapsed: () => elapsed, intervalMs: 1 });
  for (const next of times.slice(1)) {
    [time, elapsed] = [next, elapsed + between];
    const { runs } = watch;
    await expect.poll(() => watch.runs, { ...SOON, interval: 1 }).toBeGreaterThan(runs + 1);
  }
  await watch.stop();
  await log.settled();
  return (await all(log)).map(({ type, outcome, data }) => ({ type, outcome, ...data }));
}

describe('the watch of the machine’s clock', () => {
  it('reports how far the clock was set back, and forward, once each', async () => {
    expect(await reported([100_000, 101_000, 42_000, 43_000, 163_000])).toEqual([
      { type: 'clock.stepped', outcome: 'failure', by_ms: -60_000 },
      { type: 'clock.stepped', outcome: 'failure', by_ms: 119_000 },
    ]);
  });

  it('says nothing of a clock that runs, or drifts', async () => {
    expect(await reported([100_000, 101_000, 102_900, 103_100])).toEqual([]);
  });
});
