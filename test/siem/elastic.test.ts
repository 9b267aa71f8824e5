import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ELASTIC } from '../../connectors/siem/elastic.ts';
import { httpSinkDeps, httpSinkFixture } from '../contract/http-sink-fixture.ts';
import { describeSink } from '../contract/sink-contract.ts';
import { makeEvents } from '../contract/sink-events.ts';
import { type BulkStore, openBulkStore } from '../fakes/receivers/bulk-store.ts';
import { openReceiverNetwork, type ReceiverNetwork } from '../fakes/receivers/receiver-network.ts';
import { codeOf } from '../protocol/codes.ts';

const API_KEY = 'VnVhQ2ZHY0JDZGJrUW0tZTVhT3g6dWkybHAyYXhUTm1zeWFrdzl0dk5udw==';
const AUTHORIZATION = `ApiKey ${API_KEY}`;
const STREAM = 'logs-countersign.events-default';

describeSink('Elasticsearch and OpenSearch', async () => {
  const network = await openReceiverNetwork();
  const receiver = await openBulkStore(network, { authorization: AUTHORIZATION, stream: STREAM });
  return httpSinkFixture({
    ...{ network, receiver, refuse: receiver.refuse },
    ...{ kind: ELASTIC, format: 'ecs', secrets: [API_KEY] },
    settings: { url: receiver.url, api_key: API_KEY },
    lies: [
      { status: 200, body: '' },
      { status: 200, body: '{"error":"no such thing"}' },
      { status: 200, body: '{"errors":false,"items":[]}' },
    ],
  });
});

describe('the items of a bulk request', () => {
  const { signal } = new AbortController();
  let network: ReceiverNetwork;
  let store: BulkStore;

  beforeAll(async () => {
    network = await openReceiverNetwork();
    store = await openBulkStore(network, { authorization: AUTHORIZATION, stream: STREAM });
  });
  afterEach(() => {
    expect(store.breaches).toEqual([]);
    store.itemsMeet();
    store.keepFailures('no');
  });
  afterAll(async () => {
    await store.close();
    await network.close();
  });

  const open = () => ELASTIC.open({ url: `${store.url}/`, api_key: API_KEY }, httpSinkDeps(network, 'plain'));

  it('are delivered where the document is there already', async () => {
    const events = makeEvents(3);
    await open().deliver(events.slice(0, 2), signal);
    expect(await open().deliver(events, signal)).toEqual({ sent: 3, settled: 3, refused: [] });
  });

  it('are refused one by one, in the words of the store', async () => {
    store.itemsMeet(undefined, 400, undefined);
    const events = makeEvents(3);
    expect(await open().deliver(events, signal)).toEqual({
      ...{ sent: 3, settled: 3 },
      refused: [
        {
          ...{ seq: 2, event_id: events[1]?.event_id },
          words: '400 document_parsing_exception: failed to parse field [seq] of type [long]',
        },
      ],
    });
  });

  it('are refused where they went to the failure store, which the store calls a success', async () => {
    store.keepFailures();
    store.itemsMeet(undefined, 400, undefined);
    const events = makeEvents(3);
    expect(await open().deliver(events, signal)).toEqual({
      ...{ sent: 3, settled: 3 },
      refused: [
        {
          ...{ seq: 2, event_id: events[1]?.event_id },
          words: expect.stringMatching(
            /^201 failure_store used: .*logs-countersign\.events-default::failures/,
          ),
        },
      ],
    });
    expect(store.held).not.toContain(events[1]?.event_id);
  });

  it('are refused where the failure store did not take them either', async () => {
    store.keepFailures('failed');
    store.itemsMeet(400);
    expect(await open().deliver(makeEvents(2), signal)).toMatchObject({
      refused: [
        { seq: 1, words: expect.stringMatching(/^400 document_parsing_exception.*failure_store failed/) },
      ],
    });
  });

  it('are refused in the words of the store where it has no failure store', async () => {
    store.keepFailures('not_enabled');
    store.itemsMeet(400);
    const words = '400 document_parsing_exception: failed to parse field [seq] of type [long]';
    expect(await open().deliver(makeEvents(2), signal)).toMatchObject({ refused: [{ seq: 1, words }] });
  });

  it.each([429, 503, 403, 404])('come again from the first on that met %i', async (status) => {
    store.itemsMeet(undefined, 400, status, undefined);
    const outcome = await open().deliver(makeEvents(4), signal);
    expect(outcome).toMatchObject({ sent: 2, settled: 2, refused: [{ seq: 2 }] });
  });

  it.each([
    [429, 'sink_unavailable'],
    [503, 'sink_unavailable'],
    [403, 'sink_misconfigured'],
    [404, 'sink_misconfigured'],
  ])('are a fault of the store where the first met %i', async (status, code) => {
    store.itemsMeet(status);
    expect(await codeOf(() => open().deliver(makeEvents(2), signal))).toBe(code);
  });

  it.each([1, 3])('are not believed where %i of them answer two events', async (count) => {
    const items = Array.from({ length: count }, () => ({ create: { status: 201 } }));
    store.failWith({ status: 200, body: JSON.stringify({ errors: false, items }) });
    expect(await codeOf(() => open().deliver(makeEvents(2), signal))).toBe('sink_unavailable');
  });

  it('have the time of the event as @timestamp', async () => {
    const [event] = makeEvents(1);
    if (event === undefined) return expect.fail('no event');
    await open().deliver([event], signal);
    expect(store.documents.get(event.event_id)).toEqual({
      ...JSON.parse(JSON.stringify(event)),
      '@timestamp': event.time,
    });
  });
});

describe('the settings of Elasticsearch', () => {
  const url = 'https://search.example.com';
  it.each([
    ['no credential', { url }],
    ['both credentials', { url, api_key: 'k', username: 'u', password: 'p' }],
    ['a user without a password', { url, username: 'u' }],
    ['a stream that is a path', { url, api_key: 'k', data_stream: '../_security' }],
    ['http', { url: 'http://search.example.com', api_key: 'k' }],
    ['a member that is not known', { url, api_key: 'k', index: 'x' }],
  ])('are refused with %s', (_name, given) => {
    expect(ELASTIC.settings.safeParse(given).success).toBe(false);
  });

  it('take a user with a password', () => {
    expect(ELASTIC.settings.safeParse({ url, username: 'u', password: 'p' }).success).toBe(true);
  });
});
