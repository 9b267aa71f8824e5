import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createWitnessEvents, type WitnessEvents } from '../../bridge/keylog/witness-events.ts';
import type { WitnessState } from '../../bridge/tlog/witness-client.ts';
import { all, type EventsFixture, eventsFixture, quiet } from '../events/events-fixture.ts';

let fixture: EventsFixture;
let told: WitnessEvents;
let written: Promise<void>[];

beforeEach(async () => {
  fixture = await eventsFixture();
  fixture.log.start();
  written = [];
  const record: typeof fixture.log.record = (event) => {
    const done = fixture.log.record(event);
    written.push(done);
    return done;
  };
  told = createWitnessEvents({ events: { record }, logger: quiet });
});
afterEach(() => fixture.remove());

const standing = (state: WitnessState['state'], rest: Partial<WitnessState> = {}): WitnessState => ({
  ...{ name: 'witness.globex.example/w1', url: 'https://witness.globex.example' },
  ...{ state, size: 5, cosigned: null, error: null, ...rest },
});

async function events() {
  await Promise.all(written);
  await fixture.log.settled();
  return (await all(fixture.log)).map(({ type, outcome, code, data }) => ({ type, outcome, code, data }));
}

describe('the event log', () => {
  it('tells of a witness that fails and that cosigns again, and of nothing at the start', async () => {
    told.changed(standing('cosigning'), standing('unknown'));
    told.changed(standing('failing', { error: 'outbound_timeout' }), standing('cosigning'));
    told.changed(standing('cosigning'), standing('failing'));
    const data = { witness: 'witness.globex.example/w1' };
    expect(await events()).toEqual([
      { type: 'log.witness_failed', outcome: 'failure', code: 'outbound_timeout', data },
      { type: 'log.witness_recovered', outcome: 'success', code: null, data },
    ]);
  });

  it('tells of a witness that has seen more than we have, or else', async () => {
    told.changed(standing('ahead', { size: 9 }), standing('cosigning'));
    told.changed(standing('contradicted'), standing('ahead'));
    expect((await events()).map(({ type, data }) => [type, data])).toEqual([
      ['log.doubted', { witness: 'witness.globex.example/w1', seen: 'ahead', size: 9 }],
      ['log.doubted', { witness: 'witness.globex.example/w1', seen: 'contradicted', size: 5 }],
    ]);
  });

  it('keeps both checkpoints of a log that shows two histories', async () => {
    const found = { origin: 'log.globex.example/log', size: 5, seen: 'one\n', offered: 'other\n' };
    told.splitView(found);
    expect(await events()).toEqual([
      { type: 'log.split_view_seen', outcome: 'failure', code: null, data: found },
    ]);
  });

  it('keeps what this witness has cosigned and forgotten, as the log shows it', async () => {
    const shown = { origin: 'log.globex.example/log', size: 5, note: 'with our cosignature\n' };
    told.forgotten({ ...shown, vkey: 'bridge.acme.example/witness+1111309e+AA', found: 1 });
    const { note: checkpoint, ...data } = shown;
    expect(await events()).toEqual([
      { type: 'log.witness_forgot', outcome: 'failure', code: null, data: { ...data, checkpoint } },
    ]);
  });
});
