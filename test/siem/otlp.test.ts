import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OTLP } from '../../connectors/siem/otlp.ts';
import { httpSinkDeps, httpSinkFixture } from '../contract/http-sink-fixture.ts';
import { describeSink } from '../contract/sink-contract.ts';
import { makeEvents } from '../contract/sink-events.ts';
import { type OtlpCollector, openOtlpCollector } from '../fakes/receivers/otlp-collector.ts';
import { openReceiverNetwork, type ReceiverNetwork } from '../fakes/receivers/receiver-network.ts';
import { codeOf } from '../protocol/codes.ts';

const API_KEY = 'otel-key, with a comma';
const HEADERS = `x-api-key=${encodeURIComponent(API_KEY)}`;

describeSink('OTLP over HTTP', async () => {
  const network = await openReceiverNetwork();
  const receiver = await openOtlpCollector(network, { apiKey: API_KEY });
  return httpSinkFixture({
    ...{ network, receiver, refuse: receiver.refuse },
    ...{ kind: OTLP, format: 'plain', secrets: [API_KEY] },
    settings: { url: receiver.url, headers: HEADERS },
    lies: [
      { status: 200, body: 'OK' },
      { status: 200, body: '{"partialSuccess":{"rejectedLogRecords":"many"}}' },
    ],
  });
});

describe('the records of OTLP', () => {
  const { signal } = new AbortController();
  let network: ReceiverNetwork;
  let collector: OtlpCollector;

  beforeAll(async () => {
    network = await openReceiverNetwork();
    collector = await openOtlpCollector(network, { apiKey: API_KEY });
  });
  afterAll(async () => {
    expect(collector.breaches).toEqual([]);
    await collector.close();
    await network.close();
  });

  const open = () => OTLP.open({ url: collector.url, headers: HEADERS }, httpSinkDeps(network, 'plain'));

  it('have the event as their body, and its number, id and trace as OTLP has them', async () => {
    const [made] = makeEvents(1, 9);
    if (made === undefined) return expect.fail('no event');
    const event = { ...made, outcome: 'failure' as const, code: 'forbidden', replay: 'rpl_1' };
    await open().deliver([event], signal);
    const record = collector.records.at(-1);
    expect(record).toMatchObject({
      timeUnixNano: `${Date.parse(event.time)}000000`,
      ...{ severityNumber: 13, severityText: 'medium', eventName: 'device.added', traceId: event.trace_id },
      body: { stringValue: JSON.stringify(event) },
    });
    expect(record?.attributes).toEqual(
      expect.arrayContaining([
        { key: 'log.record.uid', value: { stringValue: event.event_id } },
        { key: 'countersign.seq', value: { intValue: '9' } },
        { key: 'error.type', value: { stringValue: 'forbidden' } },
        { key: 'countersign.replay', value: { stringValue: 'rpl_1' } },
      ]),
    );
  });

  it('have no trace where the event has none that OTLP would take', async () => {
    const events = makeEvents(3).map((event, index) => {
      const traces = [null, '0'.repeat(32), 'not-a-trace'];
      return { ...event, trace_id: traces[index] ?? null };
    });
    await open().deliver(events, signal);
    for (const record of collector.records.slice(-3)) expect(record).not.toHaveProperty('traceId');
  });

  it('are all refused where the collector rejects as many as there are', async () => {
    const events = makeEvents(2);
    for (const { event_id } of events) collector.refuse(event_id);
    expect(await open().deliver(events, signal)).toMatchObject({
      ...{ sent: 2, settled: 2 },
      refused: [
        { seq: 1, words: 'not these' },
        { seq: 2, words: 'not these' },
      ],
    });
  });

  it('are delivered where the collector only warns, or answers with nothing', async () => {
    collector.failWith(
      { status: 200, body: '{"partialSuccess":{"rejectedLogRecords":0,"errorMessage":"slow down"}}' },
      { status: 200, body: '' },
    );
    expect(await open().deliver(makeEvents(1), signal)).toMatchObject({ settled: 1, refused: [] });
    expect(await open().deliver(makeEvents(1), signal)).toMatchObject({ settled: 1, refused: [] });
  });

  it('do not bring the token out that a receiver repeats without its scheme', async () => {
    collector.failWith({ status: 401, body: 'tok-1234 is not known' });
    const sink = OTLP.open(
      { url: collector.url, headers: 'authorization=Bearer%20tok-1234' },
      httpSinkDeps(network, 'plain'),
    );
    await expect(sink.deliver(makeEvents(1), signal)).rejects.toMatchObject({
      detail: 'The receiver answered 401: [secret] is not known',
    });
  });

  it.each([401, 404, 405, 415])('are not given up where the collector answers %i', async (status) => {
    collector.failWith({ status });
    expect(await codeOf(() => open().deliver(makeEvents(1), signal))).toBe('sink_misconfigured');
  });
});
