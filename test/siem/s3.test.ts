import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EVENT_PAGE } from '../../bridge/lib/limits.ts';
import { S3 } from '../../connectors/siem/s3.ts';
import { httpSinkDeps, httpSinkFixture } from '../contract/http-sink-fixture.ts';
import { describeSink } from '../contract/sink-contract.ts';
import { makeEvents } from '../contract/sink-events.ts';
import { type ObjectStore, openObjectStore } from '../fakes/receivers/object-store.ts';
import { openReceiver } from '../fakes/receivers/receiver.ts';
import { openReceiverNetwork, type ReceiverNetwork } from '../fakes/receivers/receiver-network.ts';
import { codeOf } from '../protocol/codes.ts';

const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const STORE = {
  ...{ bucket: 'acme-events', region: 'eu-central-1' },
  ...{ accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: SECRET },
};

function settingsFor(endpoint: string) {
  const { bucket, region, accessKeyId: access_key_id, secretAccessKey: secret_access_key } = STORE;
  return {
    bucket,
    region,
    access_key_id,
    secret_access_key,
    endpoint,
    path_style: true,
    interval_seconds: 0,
  };
}

describeSink('S3', async () => {
  const network = await openReceiverNetwork();
  const receiver = await openObjectStore(network, STORE);
  return httpSinkFixture({
    ...{ network, receiver, kind: S3, format: 'plain', secrets: [SECRET] },
    settings: settingsFor(receiver.url),
    lies: [{ status: 200, body: '<?xml version="1.0"?><Error><Code>InternalError</Code></Error>' }],
  });
});

describe('the objects of S3', () => {
  const { signal } = new AbortController();
  let network: ReceiverNetwork;
  let store: ObjectStore;

  beforeAll(async () => {
    network = await openReceiverNetwork();
    store = await openObjectStore(network, STORE);
  });
  afterAll(async () => {
    expect(store.breaches).toEqual([]);
    await store.close();
    await network.close();
  });

  const open = (settings: object = {}, sink = 'snk_a1') =>
    S3.open({ ...settingsFor(store.url), ...settings }, { ...httpSinkDeps(network, 'plain'), sink });

  const at = (time: string, from: number, replay?: string) =>
    makeEvents(3, from).map((event) => ({ ...event, time, ...(replay === undefined ? {} : { replay }) }));

  it('are named by the hour and by the first and last number, so that they sort', async () => {
    const events = at('2026-03-04T05:59:59.999Z', 98);
    await open().deliver(events, signal);
    expect([...store.objects.keys()].at(-1)).toBe(
      `bridge.acme.example/snk_a1/2026/03/04/05/0000000000000098-0000000000000100.${events[0]?.event_id}.ndjson.gz`,
    );
  });

  it('stand beside those of another sink or another bridge under the same prefix, of the same numbers', async () => {
    const events = at('2026-03-04T08:00:00.000Z', 1);
    const others = events.map((event) => ({ ...event, event_id: `${event.event_id.slice(0, -4)}beef` }));
    const before = store.objects.size;
    await open({ prefix: 'shared' }).deliver(events, signal);
    await open({ prefix: 'shared' }, 'snk_b2').deliver(events, signal);
    await open({ prefix: 'shared' }).deliver(others, signal);
    expect(store.objects.size - before).toBe(3);
  });

  it('hold one line an event', async () => {
    const events = at('2026-03-04T06:00:00.000Z', 1);
    await open({ prefix: 'siem/bridge' }).deliver(events, signal);
    const key = `siem/bridge/snk_a1/2026/03/04/06/0000000000000001-0000000000000003.${events[0]?.event_id}.ndjson.gz`;
    expect(store.objects.get(key)).toEqual(events.map((event) => JSON.stringify(event)));
  });

  it('stand beside the first ones where they are of a replay', async () => {
    await open().deliver(at('2026-03-04T07:00:00.000Z', 1, 'rpl_1'), signal);
    expect([...store.objects.keys()].at(-1)).toMatch(/07\/0{15}1-0{15}3\.[0-9a-f-]{36}\.rpl_1\.ndjson\.gz$/);
  });

  it('stand under the host name of their bucket, where the store has it so', async () => {
    const host = 'acme-events.store.example.net';
    const other = await openReceiver(network, host, () => ({ status: 200, headers: { etag: '"e1-1"' } }));
    const endpoint = other.url.replace('acme-events.', '');
    await open({ endpoint, path_style: false, prefix: 'p' }).deliver(
      at('2026-03-04T05:00:00.000Z', 1),
      signal,
    );
    await other.close();
    expect(other.requests.map(({ path }) => path)).toEqual([
      expect.stringMatching(/^\/p\/snk_a1\/2026\/03\/04\/05\/0{15}1-0{15}3\.[0-9a-f-]{36}\.ndjson\.gz$/),
    ]);
  });

  it('go to the store of AWS in the region, where no other is given', async () => {
    const sink = open({ endpoint: undefined, path_style: false });
    await expect(sink.deliver(makeEvents(1), signal)).rejects.toMatchObject({
      detail: expect.stringContaining('acme-events.s3.eu-central-1.amazonaws.com'),
    });
  });

  it('are locked for as long as the settings say', async () => {
    await open({ object_lock: 'COMPLIANCE', object_lock_days: 400 }).deliver(makeEvents(1), signal);
    const { headers } = store.requests.at(-1) ?? {};
    const until = Date.parse(String(headers?.['x-amz-object-lock-retain-until-date']));
    expect(headers?.['x-amz-object-lock-mode']).toBe('COMPLIANCE');
    expect(Math.abs(until - Date.now() - 400 * 86_400_000)).toBeLessThan(60_000);
  });

  it('are no more than one in the interval, the first at once', async () => {
    const rare = open({ interval_seconds: 30 });
    const before = store.objects.size;
    let began = performance.now();
    await rare.deliver(makeEvents(1, 901), signal);
    expect(performance.now() - began).toBeLessThan(25_000);
    await expect(rare.deliver(makeEvents(1, 902), AbortSignal.timeout(50))).rejects.toThrow();
    expect(store.objects.size).toBe(before + 1);

    const sink = open({ interval_seconds: 1 });
    began = performance.now();
    await sink.deliver(makeEvents(1), signal);
    await sink.deliver(makeEvents(1), signal);
    expect(performance.now() - began).toBeGreaterThan(950);
  });

  it('do not wait for a clock that was set back to be where it was', async () => {
    let now = Date.now();
    const deps = { ...httpSinkDeps(network, 'plain'), clock: { now: () => now } };
    const sink = S3.open({ ...settingsFor(store.url), interval_seconds: 1 }, deps);
    await sink.deliver(makeEvents(1), signal);
    now -= 600_000;
    expect(await sink.deliver(makeEvents(1, 2), signal)).toMatchObject({ settled: 2 });
  });

  it('are written at once while more events are behind', async () => {
    const sink = open({ interval_seconds: 30 });
    const began = performance.now();
    for (let page = 0; page < 3; page += 1) await sink.deliver(makeEvents(EVENT_PAGE), signal, true);
    expect(performance.now() - began).toBeLessThan(30_000);
  });

  it.each([
    ['a wrong secret', { secret_access_key: 'wrong' }],
    ['an unknown key', { access_key_id: 'AKIANOBODY' }],
    ['another region', { region: 'us-east-1' }],
    ['an unknown bucket', { bucket: 'other-events' }],
  ])('are not given up because of %s', async (_name, wrong) => {
    expect(await codeOf(() => open(wrong).deliver(makeEvents(2), signal))).toBe('sink_misconfigured');
  });

  const MD5_OF_NOTHING = '"d41d8cd98f00b204e9800998ecf8427e"';
  it.each<[string, Record<string, string>]>([
    ['no entity tag', {}],
    ['that of a page', { etag: 'W/"5f3a-1a2b-3c4d"' }],
    ['that of another object', { etag: MD5_OF_NOTHING }],
    [
      'that of another object, encrypted by the store',
      { etag: MD5_OF_NOTHING, 'x-amz-server-side-encryption': 'AES256' },
    ],
  ])('are not written where the answer has %s', async (_name, headers) => {
    store.failWith({ status: 200, headers });
    expect(await codeOf(() => open().deliver(makeEvents(1), signal))).toBe('sink_unavailable');
  });

  it.each<[string, Record<string, string>]>([
    ['under a key of the customer', { etag: MD5_OF_NOTHING, 'x-amz-server-side-encryption': 'aws:kms' }],
    ['in parts', { etag: '"d41d8cd98f00b204e9800998ecf8427e-1"' }],
    ['in the store’s own coding', { etag: '"-CKih16GjycICEAE="' }],
  ])('are written though the entity tag is no MD5 of them: %s', async (_name, headers) => {
    store.failWith({ status: 200, headers });
    expect(await open().deliver(makeEvents(1), signal)).toMatchObject({ sent: 1, settled: 1 });
  });

  it.each([
    [400, 'BadDigest', 'sink_unavailable'],
    [400, 'RequestTimeout', 'sink_unavailable'],
    [503, 'SlowDown', 'sink_unavailable'],
    [400, 'AuthorizationHeaderMalformed', 'sink_misconfigured'],
    [413, 'EntityTooLarge', 'sink_misconfigured'],
  ])('that meet %i %s meet %s', async (status, code, expected) => {
    store.failWith({ status, body: `<Error><Code>${code}</Code></Error>` });
    expect(await codeOf(() => open().deliver(makeEvents(1), signal))).toBe(expected);
  });
});

describe('the settings of S3', () => {
  it('say for how long events may wait', () => {
    const settings = settingsFor('https://s3.example.com');
    expect(S3.interval?.({ ...settings, interval_seconds: 30 })).toBe(30);
    expect(S3.interval?.({ ...settings, interval_seconds: undefined })).toBe(10);
  });

  const given = { ...settingsFor('https://s3.example.com') };
  it.each([
    ['a lock without days', { object_lock: 'GOVERNANCE' }],
    ['days without a lock', { object_lock_days: 3 }],
    ['a bucket with dots in the host name', { bucket: 'acme.events', path_style: false }],
    ['a prefix that leads out', { prefix: '../other' }],
    ['a prefix that is not written as it is sent', { prefix: 'a b' }],
  ])('are refused with %s', (_name, wrong) => {
    expect(S3.settings.safeParse(given).success).toBe(true);
    expect(S3.settings.safeParse({ ...given, ...wrong }).success).toBe(false);
  });
});
