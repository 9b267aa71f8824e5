import { afterEach, beforeEach, expect, it } from 'vitest';
import { insertState } from '../../bridge/events/delivery/sink-states.ts';
import { readHealth } from '../../bridge/events/sinks/sink-health.ts';
import { BUFFER_EVENTS, SINK_LAG_S } from '../../bridge/lib/limits.ts';
import { type DeliveryFixture, deliveryFixture } from './delivery-fixture.ts';

let fixture: DeliveryFixture;

beforeEach(async () => {
  fixture = await deliveryFixture();
  await fixture.database.transaction((tx) => insertState(tx, 'archive', { settled: 0, backlog_to: 0 }));
  await fixture.append(1);
});
afterEach(() => fixture.remove());

/** How a sink stands for which an event waits so many seconds, and which may let events wait. */
async function stateAfter(seconds: number, interval: number): Promise<string | undefined> {
  const [event] = await fixture.log.page({ since: 0, limit: 1 });
  // the id says when it was reported
  const reported = Number.parseInt((event?.event_id ?? '').replace('-', '').slice(0, 12), 16);
  const now = reported + seconds * 1_000;
  const sinks = [{ id: 'archive', status: 'enabled' as const, interval }];
  const health = await fixture.database.read((query) =>
    readHealth(query, sinks, { now, bufferEvents: BUFFER_EVENTS }),
  );
  return health.get('archive')?.state;
}

it('a sink that sends together what comes within its interval is not behind while it waits', async () => {
  expect(await stateAfter(SINK_LAG_S + 25, 30)).toBe('ok');
});

it('a sink is behind where an event waits for longer than that', async () => {
  expect(await stateAfter(SINK_LAG_S + 31, 30)).toBe('behind');
  expect(await stateAfter(SINK_LAG_S + 1, 0)).toBe('behind');
  expect(await stateAfter(SINK_LAG_S - 1, 0)).toBe('ok');
});
