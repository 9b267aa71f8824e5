import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SinkFault } from '../../bridge/events/delivery/sink-fault.ts';
import { WEBHOOK } from '../../connectors/siem/webhook.ts';
import { CountersignError, type ErrorCode } from '../../protocol/errors.ts';
import { httpSinkDeps } from '../contract/http-sink-fixture.ts';
import { makeEvents } from '../contract/sink-events.ts';
import { type Answer, type Fault, openReceiver, type Receiver } from '../fakes/receivers/receiver.ts';
import { openReceiverNetwork, type ReceiverNetwork } from '../fakes/receivers/receiver-network.ts';
import { HTTP_SINKS } from './http-sinks.ts';

const TOO_LONG = 'x'.repeat(4 * 1_048_576 + 1);

const FAULTS: readonly [string, Fault, ErrorCode][] = [
  ['redirects', { status: 302, headers: { location: 'https://elsewhere.example/' } }, 'sink_misconfigured'],
  ['redirects for good', { status: 308, headers: { location: '/events/' } }, 'sink_misconfigured'],
  ['refuses the credential', { status: 401 }, 'sink_misconfigured'],
  ['forbids it', { status: 403 }, 'sink_misconfigured'],
  ['has no such path', { status: 404 }, 'sink_misconfigured'],
  ['is gone for good', { status: 410 }, 'sink_misconfigured'],
  ['is a teapot', { status: 418 }, 'sink_misconfigured'],
  ['waited too long', { status: 408 }, 'sink_unavailable'],
  ['has too much to do', { status: 429 }, 'sink_unavailable'],
  ['breaks', { status: 500 }, 'sink_unavailable'],
  ['is restarted', { status: 502, body: '<html>Bad gateway' }, 'sink_unavailable'],
  ['closes without an answer', 'drop', 'sink_unavailable'],
  ['closes in the middle of its answer', 'take-and-drop', 'sink_unavailable'],
  ['answers without an end', { status: 200, body: TOO_LONG }, 'sink_unavailable'],
  [
    'compresses what nobody asked for',
    { status: 200, headers: { 'content-encoding': 'gzip' }, body: '\u001f\u008b' },
    'sink_unavailable',
  ],
];

/** Answers of 2xx that say nothing of the events: of a guest network, of a proxy whose backend is away. */
const LIES: readonly [string, Answer][] = [
  [
    'a page',
    { status: 200, headers: { etag: '"5f3a-1a2b"' }, body: '<!doctype html><p>Sign in to the network' },
  ],
  ['a page and the status of Datadog', { status: 202, body: '<html>Sign in' }],
  ['an error as an object', { status: 200, body: '{"error":"backend down","code":13}' }],
  ['errors as an object', { status: 202, body: '{"errors":[{"status":"400","title":"Bad Request"}]}' }],
  ['an error as a status', { status: 200, body: '{"code":13,"message":"no backend","details":[]}' }],
  ['a list', { status: 200, body: '[]' }],
];
const TOKEN = { access_token: 'abc', token_type: 'Bearer', expires_in: 3_600 };

describe.each(HTTP_SINKS)('a receiver of $kind', (kind, settingsFor) => {
  const { signal } = new AbortController();
  let network: ReceiverNetwork;
  let receiver: Receiver;

  beforeAll(async () => {
    network = await openReceiverNetwork();
    receiver = await openReceiver(network, 'receiver.example.net', (): Answer => ({ status: 200 }));
  });
  beforeEach(() => receiver.failAlways(undefined));
  afterAll(async () => {
    await receiver.close();
    await network.close();
  });

  async function faultAt(url: string): Promise<CountersignError> {
    const sink = kind.open(settingsFor(url), httpSinkDeps(network, 'plain'));
    try {
      await sink.deliver(makeEvents(2), signal);
    } catch (error) {
      if (error instanceof CountersignError) return error;
      throw error;
    } finally {
      await sink.close();
    }
    return expect.fail('it was delivered');
  }

  it.each(FAULTS)('that %s', async (_name, fault, code) => {
    receiver.failAlways(fault);
    const isGone = kind === WEBHOOK && typeof fault === 'object' && fault.status === 410;
    expect((await faultAt(receiver.url)).code).toBe(isGone ? 'sink_gone' : code);
  });

  it.each<[string, Fault, boolean]>([
    ['forbids', { status: 403 }, true],
    ['breaks', { status: 500 }, true],
    ['has too much to do', { status: 429 }, false],
    ['says when to come again', { status: 503, headers: { 'retry-after': '9' } }, false],
    ['answers nothing', 'drop', false],
  ])('that %s may do so because of an event: %#', async (_name, fault, may) => {
    receiver.failAlways(fault);
    expect(new SinkFault(await faultAt(receiver.url)).mayBeOfEvent).toBe(may);
  });

  it.each(LIES)('that answers %s with 2xx', async (_name, lie) => {
    const isToken = (path: string) => path.endsWith('/oauth2/v2.0/token');
    const liar = await openReceiver(network, 'liar.example.net', ({ path }) =>
      isToken(path) ? { status: 200, body: JSON.stringify(TOKEN) } : lie,
    );
    const sink = kind.open(settingsFor(liar.url), httpSinkDeps(network, 'plain'));
    const delivery = sink.deliver(makeEvents(2), signal);
    // any 2xx is the word of a webhook, by its standard
    if (kind === WEBHOOK) expect(await delivery).toMatchObject({ sent: 2, settled: 2 });
    else await expect(delivery).rejects.toMatchObject({ code: 'sink_unavailable' });
    expect(liar.requests.filter(({ path }) => !isToken(path))).not.toEqual([]);
    await sink.close();
    await liar.close();
  });

  it('that is there under a certificate of another name', async () => {
    const options = { certificateFor: 'somebody.else.example' };
    const other = await openReceiver(network, 'other.example.net', () => ({ status: 200 }), options);
    const { code, detail } = await faultAt(other.url);
    await other.close();
    expect(code).toBe('sink_misconfigured');
    expect(detail).toContain('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(other.requests).toEqual([]);
  });

  it('that is there under a certificate of nobody’s', async () => {
    const strangers = await openReceiverNetwork();
    const other = await openReceiver(strangers, 'stranger.example.net', () => ({ status: 200 }));
    network.names.addHost('stranger.example.net', '127.0.0.1');
    const { code, detail } = await faultAt(other.url);
    await other.close();
    await strangers.close();
    expect(code).toBe('sink_misconfigured');
    expect(detail).toMatch(/certificate/);
    expect(other.requests).toEqual([]);
  });

  it('that is inside of the network, where the operator allowed no such thing', async () => {
    network.names.addHost('metadata.example.net', '169.254.169.254');
    const { code, detail } = await faultAt('https://metadata.example.net');
    expect(code).toBe('sink_misconfigured');
    expect(detail).not.toContain('169.254');
  });

  it('that has no address', async () => {
    expect((await faultAt('https://nowhere.example.net')).code).toBe('sink_misconfigured');
  });

  it('that is not running', async () => {
    const gone = await openReceiver(network, 'gone.example.net', () => ({ status: 200 }));
    await gone.close();
    const { code, detail } = await faultAt(gone.url);
    expect(code).toBe('sink_unavailable');
    expect(detail).toContain('ECONNREFUSED');
  });

  it('says when to come again, as a number or a date', async () => {
    receiver.failAlways({ status: 503, headers: { 'retry-after': '40' } });
    expect((await faultAt(receiver.url)).retryAfter).toBe(40);
    const date = new Date(Date.now() + 90_000).toUTCString();
    receiver.failAlways({ status: 503, headers: { 'retry-after': date } });
    const { retryAfter } = await faultAt(receiver.url);
    expect(retryAfter).toBeGreaterThan(80);
    expect(retryAfter).toBeLessThanOrEqual(90);
  });
});
