import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventBody } from '../../bridge/events/event.ts';
import { createEventQueries, type EventAnswer } from '../../bridge/events/event-queries.ts';
import { stageEvents } from '../../bridge/events/event-store.ts';
import { replayedSeqs } from '../../bridge/events/sinks/replayed-seqs.ts';
import { firstIdOf, newId } from '../../bridge/lib/ids.ts';
import { closed, type EventsFixture, eventsFixture } from './events-fixture.ts';

const NOON = Date.parse('2026-11-22T12:00:00Z');
const HOUR = 3_600_000;

let fixture: EventsFixture;

beforeEach(async () => {
  fixture = await eventsFixture();
  fixture.log.start();
});
afterEach(() => fixture.remove());

/** Reported so many milliseconds from noon, and committed only after all that was committed before. */
async function commit(...reported: readonly number[]): Promise<void> {
  const bodies = reported.map((offset) => {
    const time = NOON + offset;
    return eventBody(closed(`at ${offset}`), `${firstIdOf(time)}-7${newId().slice(15)}`, time);
  });
  await fixture.database.transaction((tx) => stageEvents(tx, bodies));
  await fixture.log.settled();
}

function ask(from: number, to: number): Promise<EventAnswer> {
  const queries = createEventQueries({ database: fixture.database, events: fixture.log });
  const [since, until] = [{ time: new Date(NOON + from) }, { time: new Date(NOON + to) }];
  return queries.ask({ since, until, filter: {}, limit: 1_000 });
}

const subjects = ({ events }: EventAnswer) => events.map(({ subject }) => subject.sub);

describe('two windows that meet at a moment', () => {
  it('lose nothing that was reported before it and committed behind what was reported after it', async () => {
    await commit(-1_000);
    await commit(5);
    await commit(-5);
    await commit(1_000, HOUR);
    const [morning, afternoon] = [await ask(-HOUR, 0), await ask(0, HOUR)];
    expect(subjects(morning)).toEqual(['at -1000']);
    expect(subjects(afternoon)).toEqual(['at 5', 'at -5', 'at 1000']);
    expect([morning.ended, afternoon.ended]).toEqual([true, true]);
  });

  it('meet at the first of many that were committed before older ones', async () => {
    await commit(-1_000);
    await commit(20_000);
    for (let late = 0; late < 6; late += 1) {
      await commit(...Array.from({ length: 60 }, (_, index) => late * 60 + index));
    }
    await commit(HOUR);
    const [morning, afternoon] = [await ask(-HOUR, 0), await ask(0, HOUR)];
    expect(subjects(morning)).toEqual(['at -1000']);
    expect(subjects(afternoon)).toHaveLength(361);
  });

  it('are replayed without loss too', async () => {
    await commit(-1_000);
    await commit(5);
    await commit(-5);
    await commit(HOUR);
    const seqs = (from: number, to: number) =>
      fixture.database.read((query) =>
        replayedSeqs(query, {
          from: new Date(NOON + from).toISOString(),
          to: new Date(NOON + to).toISOString(),
        }),
      );
    expect(await seqs(-HOUR, 0)).toEqual({ from_seq: 1, to_seq: 1 });
    expect(await seqs(0, HOUR)).toEqual({ from_seq: 2, to_seq: 3 });
  });
});

describe('a window whose end has not come', () => {
  it('goes on, so that what is committed late is in it', async () => {
    await commit(-1_000);
    const first = await ask(-HOUR, 0);
    expect(first).toMatchObject({ next: 1, ended: false });
    await commit(-5);
    await commit(0);
    expect(subjects(await ask(-HOUR, 0))).toEqual(['at -1000', 'at -5']);
    expect(await ask(-HOUR, 0)).toMatchObject({ next: 2, ended: true });
  });
});
