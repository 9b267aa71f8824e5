import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { watchBuffers } from '../../bridge/events/delivery/buffer-watch.ts';
import {
  markForResend,
  readDeadLetters,
  resendable,
  storeDeadLetters,
} from '../../bridge/events/delivery/dead-letters.ts';
import { insertState } from '../../bridge/events/delivery/sink-states.ts';
import { readHealth } from '../../bridge/events/sinks/sink-health.ts';
import { BUFFER_EVENTS, SINK_DEAD_LETTERS } from '../../bridge/lib/limits.ts';
import { type DeliveryFixture, deliveryFixture } from './delivery-fixture.ts';

let fixture: DeliveryFixture;

beforeEach(async () => {
  fixture = await deliveryFixture();
  await fixture.database.transaction((tx) => insertState(tx, 'siem', { settled: 0, backlog_to: 0 }));
});
afterEach(() => fixture.remove());

/** So many refused events from this `seq` on. */
const refuse = (from: number, count: number) =>
  fixture.database.transaction((tx) =>
    storeDeadLetters(
      tx,
      'siem',
      Array.from({ length: count }, (_, at) => ({ seq: from + at, event_id: `e-${from + at}`, words: 'no' })),
      fixture.clock.now(),
    ),
  );
const letters = () =>
  fixture.database.read((query) => readDeadLetters(query, 'siem', { limit: 3 * SINK_DEAD_LETTERS }));
const watch = () => watchBuffers(fixture, [{ id: 'siem', name: 'siem' }], BUFFER_EVENTS);

describe('dead letters', () => {
  it('are stored at once however many events were refused meanwhile', async () => {
    await refuse(1, 6_000);
    await refuse(5_999, 3);
    const stored = await letters();
    expect(stored).toHaveLength(6_001);
    expect(stored.slice(-4).map(({ seq, tries }) => [seq, tries])).toEqual([
      [5_998, 1],
      [5_999, 2],
      [6_000, 2],
      [6_001, 1],
    ]);
  });

  it('that are about to be sent again are not forgotten for those that come', async () => {
    await refuse(1, SINK_DEAD_LETTERS);
    await fixture.database.transaction((tx) => markForResend(tx, 'siem', 'all'));
    await refuse(SINK_DEAD_LETTERS + 1, SINK_DEAD_LETTERS + 5);
    const marked = await fixture.database.read((query) =>
      resendable(query, 'siem', 0, 2 * SINK_DEAD_LETTERS),
    );
    expect(marked).toHaveLength(SINK_DEAD_LETTERS);
    expect((await letters()).length).toBe(2 * SINK_DEAD_LETTERS);
    expect((await fixture.state('siem')).forgotten).toBe(5);
  });

  it('that are forgotten are counted in health, and told of by an event once a minute', async () => {
    await refuse(1, SINK_DEAD_LETTERS);
    await watch();
    expect(await fixture.reported('sink.dead_letters_forgotten')).toEqual([]);
    await refuse(SINK_DEAD_LETTERS + 1, 4);
    await watch();
    await refuse(SINK_DEAD_LETTERS + 5, 3);
    await watch();
    expect((await letters())[0]?.seq).toBe(8);
    expect(await fixture.reported('sink.dead_letters_forgotten')).toMatchObject([
      { data: { sink: 'siem', name: 'siem', events: 4 } },
    ]);
    fixture.clock.advance(60_000);
    await watch();
    await watch();
    expect((await fixture.reported('sink.dead_letters_forgotten')).map(({ data }) => data)).toMatchObject([
      { events: 4 },
      { events: 3 },
    ]);
    const health = await fixture.database.read((query) =>
      readHealth(query, [{ id: 'siem', status: 'enabled' }], { now: 0, bufferEvents: BUFFER_EVENTS }),
    );
    expect(health.get('siem')).toMatchObject({
      ...{ dead_letters: SINK_DEAD_LETTERS, dead_letters_forgotten: 7 },
    });
  });
});
