import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SPLUNK_HEC } from '../../connectors/siem/splunk-hec.ts';
import { httpSinkDeps, httpSinkFixture } from '../contract/http-sink-fixture.ts';
import { deliverAll } from '../contract/reference-driver.ts';
import { describeSink } from '../contract/sink-contract.ts';
import { makeEvents } from '../contract/sink-events.ts';
import { openReceiverNetwork, type ReceiverNetwork } from '../fakes/receivers/receiver-network.ts';
import { type HecReceiver, openHecReceiver } from '../fakes/receivers/splunk-hec.ts';
import { codeOf } from '../protocol/codes.ts';

const TOKEN = '6a1b5d1e-2f0c-4c0e-9d62-0d7a2f7c9b11';

const FORMS = [
  ['plain', false],
  ['cef', false],
  ['ocsf', true],
] as const;

for (const [format, acknowledgement] of FORMS) {
  const name = `Splunk HEC, ${format}, ${acknowledgement ? 'with' : 'without'} acknowledgement`;
  describeSink(name, async () => {
    const network = await openReceiverNetwork();
    const receiver = await openHecReceiver(network, { token: TOKEN, acknowledgement });
    return httpSinkFixture({
      ...{ network, receiver, refuse: receiver.refuse },
      ...{ kind: SPLUNK_HEC, format, secrets: [TOKEN] },
      settings: { url: receiver.url, token: TOKEN, acknowledgement },
      lies: [
        { status: 200, body: '<html>Welcome</html>' },
        { status: 200, body: '{"text":"Server is busy","code":9}' },
      ],
    });
  });
}

describe('the events of Splunk HEC', () => {
  const { signal } = new AbortController();
  let network: ReceiverNetwork;
  let receiver: HecReceiver;

  beforeAll(async () => {
    network = await openReceiverNetwork();
    receiver = await openHecReceiver(network, { token: TOKEN, acknowledgement: true });
  });
  afterAll(async () => {
    expect(receiver.breaches).toEqual([]);
    await receiver.close();
    await network.close();
  });

  function open(settings: object = {}) {
    const given = { url: receiver.url, token: TOKEN, acknowledgement: true, ...settings };
    return SPLUNK_HEC.open(given, httpSinkDeps(network, 'plain'));
  }

  it('have the time of the event in seconds, and where they come from', async () => {
    const [event] = makeEvents(1);
    if (event === undefined) return expect.fail('no event');
    await open({ index: 'security', host: 'bridge-1' }).deliver([event], signal);
    expect(receiver.envelopes.at(-1)).toEqual({
      time: Date.parse(event.time) / 1_000,
      ...{ host: 'bridge-1', source: 'countersign', sourcetype: 'countersign:event', index: 'security' },
      event: JSON.parse(JSON.stringify(event)),
    });
  });

  it('count as settled only once they are indexed', async () => {
    const sink = open();
    const events = makeEvents(4);
    receiver.index(false);
    const outcome = await sink.deliver(events, signal);
    expect(outcome).toEqual({ sent: 4, settled: 0, refused: [] });
    const settling = sink.settle?.(signal);
    receiver.index(true);
    expect(await settling).toBe(4);
  });

  it('stay unsettled when the wait for them is broken off for more of them', async () => {
    const sink = open();
    const events = makeEvents(4);
    receiver.index(false);
    await sink.deliver(events.slice(0, 2), signal);
    await expect(sink.settle?.(AbortSignal.timeout(20))).rejects.toThrow();
    expect(await sink.deliver(events.slice(2), signal)).toMatchObject({ sent: 4, settled: 0 });
    receiver.index(true);
    expect(await sink.settle?.(signal)).toBe(4);
  });

  it('are sent again when the indexer lost them', async () => {
    const sink = open({ acknowledgement_timeout_seconds: 1 });
    const events = makeEvents(3);
    receiver.index(false);
    await sink.deliver(events, signal);
    receiver.loseUnindexed();
    receiver.index(true);
    expect(await codeOf(() => sink.settle?.(signal))).toBe('sink_unavailable');
    expect(receiver.held).not.toContain(events[0]?.event_id);
    // By another one, as a busy machine may need more than a second to ask after them.
    await deliverAll(open(), events);
    expect(receiver.held.slice(-3)).toEqual(events.map(({ event_id }) => event_id));
  });

  it('are asked after by a bridge whose clock was set back', async () => {
    let now = Date.now();
    const deps = { ...httpSinkDeps(network, 'plain'), clock: { now: () => now } };
    const sink = SPLUNK_HEC.open({ url: receiver.url, token: TOKEN, acknowledgement: true }, deps);
    await deliverAll(sink, makeEvents(2));
    now -= 3_600_000;
    await sink.deliver(makeEvents(2, 3), signal);
    expect(await sink.settle?.(signal)).toBe(4);
  });

  it('are not taken for indexed where a collector that was restarted says so of others', async () => {
    const sink = open();
    const events = makeEvents(4);
    receiver.index(false);
    await sink.deliver(events.slice(0, 2), signal);
    receiver.restart();
    receiver.index(true);
    expect(await codeOf(() => sink.deliver(events.slice(2), signal))).toBe('sink_unavailable');
    expect(receiver.held).not.toContain(events[0]?.event_id);
    await deliverAll(sink, events);
    expect(receiver.held.slice(-4)).toEqual(events.map(({ event_id }) => event_id));
  });

  it('go in one envelope each where the format is a line of text', async () => {
    const deps = httpSinkDeps(network, 'plain');
    const formatter = { name: 'cef' as const, format: () => 'CEF:0|Countersign|x|1|e|"name"|3|msg=\\=' };
    const given = { url: receiver.url, token: TOKEN, acknowledgement: true };
    await SPLUNK_HEC.open(given, { ...deps, formatter }).deliver(makeEvents(1), signal);
    expect(receiver.envelopes.at(-1)?.event).toBe(formatter.format());
  });

  it('name what is wrong with the token instead of being given up', async () => {
    const words = '{"text":"Incorrect index","code":7,"invalid-event-number":0}';
    receiver.failWith({ status: 400, body: words });
    await expect(open().deliver(makeEvents(1), signal)).rejects.toMatchObject({
      ...{ code: 'sink_misconfigured', detail: `The receiver answered 400: ${words}` },
    });
    const without = open({ acknowledgement: false });
    expect(await codeOf(() => without.deliver(makeEvents(1), signal))).toBe('sink_misconfigured');
  });

  it('are not sent ahead of a token that cannot acknowledge', async () => {
    receiver.failWith({ status: 200, body: '{"text":"Success","code":0}' });
    expect(await codeOf(() => open().deliver(makeEvents(1), signal))).toBe('sink_misconfigured');
  });
});
