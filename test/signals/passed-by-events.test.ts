import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventBody } from '../../bridge/events/event.ts';
import { SIGNAL_PROGRESS_EVENTS } from '../../bridge/lib/limits.ts';
import { createSignalProjection, type SignalProjection } from '../../bridge/signals/signal-projection.ts';
import { closed, type EventsFixture, eventsFixture, refusedRequest } from '../events/events-fixture.ts';
import { ISS } from '../signer/signer-fixture.ts';

const GOING_ON = new AbortController().signal;

let fixture: EventsFixture;
let projection: SignalProjection;
/** From where on events were read. */
let reads: number[];
/** What the log said of the events that it placed. */
let told: { readonly events: readonly EventBody[]; readonly last: number | undefined }[];

beforeEach(async () => {
  fixture = await eventsFixture();
  const { database, clock, log } = fixture;
  reads = [];
  told = [];
  log.onPublished((events, last) => told.push({ events, last }));
  projection = createSignalProjection({
    ...{ iss: ISS, database, clock },
    log: {
      page(query) {
        reads.push(query.since);
        return log.page(query);
      },
    },
  });
});

afterEach(() => fixture.remove());

/** Refused requests, from which nothing follows. */
async function refuse(count: number): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, (_, index) => fixture.log.record(refusedRequest(`/${index}`))),
  );
  await fixture.log.settled();
}

async function close(sub: string): Promise<void> {
  await fixture.database.transaction((tx) => fixture.log.append(tx, closed(sub)));
  await fixture.log.settled();
}

/** Passes by what was told since, all at once; whether all of it could be. */
function passBy(): boolean {
  return told.splice(0).every(({ events, last }) => projection.passesBy(events, last));
}

async function catchUp(): Promise<number[]> {
  reads = [];
  await projection.catchUp(GOING_ON);
  return reads;
}

describe('Events from which no signal follows', () => {
  it('are not read, once it is known up to where all were looked at', async () => {
    await refuse(2);
    expect(passBy()).toBe(false);
    await catchUp();
    await refuse(5);
    expect(passBy()).toBe(true);
    expect(await catchUp()).toEqual([7]);
  });

  it('are read where one among them is of the other kind', async () => {
    await catchUp();
    await refuse(1);
    expect(passBy()).toBe(true);
    await close('p1');
    expect(passBy()).toBe(false);
    await refuse(1);
    expect(passBy()).toBe(false);
    expect(await catchUp()).toEqual([1, 3]);
  });

  it('are read behind a place that another process gave', async () => {
    await catchUp();
    await refuse(1);
    told = [];
    await refuse(1);
    expect(passBy()).toBe(false);
    expect(projection.passesBy([], undefined)).toBe(false);
    expect(await catchUp()).toEqual([0, 2]);
  });

  it('are read once in a while, so that not all of them are after the next start', async () => {
    await catchUp();
    await refuse(SIGNAL_PROGRESS_EVENTS - 1);
    expect(passBy()).toBe(true);
    await refuse(1);
    expect(passBy()).toBe(false);
    expect(await catchUp()).toEqual([SIGNAL_PROGRESS_EVENTS - 1, SIGNAL_PROGRESS_EVENTS]);
    await refuse(SIGNAL_PROGRESS_EVENTS - 1);
    expect(passBy()).toBe(true);
  });
});
