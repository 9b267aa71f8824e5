import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../bridge/lib/clock.ts';
import { WEBHOOK } from '../../connectors/siem/webhook.ts';
import { httpSinkDeps, httpSinkFixture } from '../contract/http-sink-fixture.ts';
import { describeSink } from '../contract/sink-contract.ts';
import { makeEvents } from '../contract/sink-events.ts';
import { openReceiverNetwork, type ReceiverNetwork } from '../fakes/receivers/receiver-network.ts';
import { openWebhookReceiver, type WebhookReceiver } from '../fakes/receivers/webhook-receiver.ts';
import { codeOf } from '../protocol/codes.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

const FORMS = [
  ['cloudevents', 'single'],
  ['cloudevents', 'batch'],
  ['plain', 'single'],
  ['ocsf', 'batch'],
] as const;

for (const [format, delivery] of FORMS) {
  describeSink(`webhook, ${format}, ${delivery}`, async () => {
    const network = await openReceiverNetwork();
    const receiver = await openWebhookReceiver(network, { secret: SECRET, now: systemClock.now });
    return httpSinkFixture({
      ...{ network, receiver, refuse: receiver.refuse },
      ...{ kind: WEBHOOK, format, secrets: [SECRET, 'Bearer-of-hooks'] },
      settings: {
        ...{ url: `${receiver.url}/events`, secret: SECRET, delivery },
        headers: 'authorization=Bearer-of-hooks',
      },
    });
  });
}

describe('webhooks', () => {
  const { signal } = new AbortController();
  const OTHER_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  let network: ReceiverNetwork;
  let receiver: WebhookReceiver;

  beforeAll(async () => {
    network = await openReceiverNetwork();
    receiver = await openWebhookReceiver(network, { secret: SECRET, now: systemClock.now });
  });
  afterEach(() => {
    expect(receiver.breaches).toEqual([]);
    receiver.trust(SECRET);
    receiver.failAlways(undefined);
  });
  afterAll(async () => {
    await receiver.close();
    await network.close();
  });

  function open(settings: object = {}, now = systemClock.now) {
    const deps = { ...httpSinkDeps(network, 'cloudevents'), clock: { now } };
    return WEBHOOK.open({ url: receiver.url, secret: SECRET, ...settings }, deps);
  }

  it('are taken under the old secret and the new one while it is changed', async () => {
    const sink = open({ secret: OTHER_SECRET, previous_secret: SECRET });
    expect(await sink.deliver(makeEvents(1), signal)).toMatchObject({ settled: 1 });
    receiver.trust(OTHER_SECRET);
    expect(await sink.deliver(makeEvents(1), signal)).toMatchObject({ settled: 1 });
    expect(await codeOf(() => open().deliver(makeEvents(1), signal))).toBe('sink_misconfigured');
  });

  it('have the same id when they come again, and the time of the attempt', async () => {
    const events = makeEvents(3);
    for (const delivery of ['single', 'batch']) {
      const before = receiver.messageIds.length;
      await open({ delivery }).deliver(events, signal);
      const first = receiver.messageIds.slice(before);
      await open({ delivery }, () => Date.now() + 60_000).deliver(events, signal);
      expect(receiver.messageIds.slice(before + first.length)).toEqual(first);
    }
    const times = receiver.requests.slice(-2).map(({ headers }) => Number(headers['webhook-timestamp']));
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(60);
  });

  it('go on behind one that the receiver refuses for good', async () => {
    const events = makeEvents(4);
    const before = receiver.held.length;
    receiver.refuse(events[1]?.event_id ?? '');
    const { refused, ...outcome } = await open().deliver(events, signal);
    expect(outcome).toEqual({ sent: 4, settled: 4 });
    expect(refused).toEqual([
      { seq: 2, event_id: events[1]?.event_id, words: 'The receiver answered 422: this one never' },
    ]);
    expect(receiver.held.length).toBe(before + 3);
  });

  it('are not cut short by a clock that is set while they are sent', async () => {
    let now = Date.now();
    const sink = open({}, () => {
      now += 30_000;
      return now;
    });
    expect(await sink.deliver(makeEvents(4), signal)).toEqual({ sent: 4, settled: 4, refused: [] });
  });

  it('stop at the first that is not taken now', async () => {
    const events = makeEvents(3);
    let messages = 0;
    const sink = open({}, () => {
      messages += 1;
      if (messages === 2) receiver.failAlways({ status: 503 });
      return Date.now();
    });
    const { sent } = await sink.deliver(events, signal);
    expect(sent).toBeLessThan(3);
    expect(await codeOf(() => sink.deliver(events.slice(sent), signal))).toBe('sink_unavailable');
    receiver.failAlways(undefined);
    expect(await sink.deliver(events.slice(sent), signal)).toMatchObject({ sent: 3 });
  });

  it('leave a receiver alone for as long as it asks, where it asked behind the first event', async () => {
    const events = makeEvents(3);
    const sink = open();
    receiver.failWith({ status: 422 }, { status: 429, headers: { 'retry-after': '17' } });
    expect(await sink.deliver(events, signal)).toMatchObject({ sent: 1, settled: 1 });
    const asked = receiver.requests.length;
    await expect(sink.deliver(events.slice(1), signal)).rejects.toMatchObject({
      ...{ code: 'sink_unavailable', retryAfter: 17 },
    });
    expect(receiver.requests.length).toBe(asked);
    expect(await sink.deliver(events.slice(1), signal)).toMatchObject({ sent: 3, settled: 3 });
  });

  it('do not take the end of a call for a fault of the receiver', async () => {
    const events = makeEvents(3);
    const ending = new AbortController();
    let messages = 0;
    const sink = open({}, () => {
      messages += 1;
      // the second message is about to be sent
      if (messages === 2) ending.abort();
      return Date.now();
    });
    const { sent } = await sink.deliver(events, ending.signal);
    expect(sent).toBe(1);
    expect(await sink.deliver(events.slice(sent), signal)).toMatchObject({ sent: 3 });
  });

  it('do not keep the driver waiting for a receiver that is slow with each', async () => {
    const passed = performance.now.bind(performance);
    let spent = 0;
    const timer = vi.spyOn(performance, 'now').mockImplementation(() => passed() + spent);
    const sink = open({}, () => {
      spent += 3_000;
      return Date.now();
    });
    const { sent } = await sink.deliver(makeEvents(50), signal).finally(() => timer.mockRestore());
    expect(sent).toBeLessThan(10);
    expect(sent).toBeGreaterThan(0);
  });

  it('are of the content type that their form has', async () => {
    await open().deliver(makeEvents(1), signal);
    expect(receiver.requests.at(-1)?.headers['content-type']).toBe('application/cloudevents+json');
    await open({ delivery: 'batch' }).deliver(makeEvents(2), signal);
    expect(receiver.requests.at(-1)?.headers['content-type']).toBe('application/cloudevents-batch+json');
  });

  it('do not bring the token out that a receiver repeats without its scheme', async () => {
    receiver.failWith({ status: 401, body: 'tok-1234 is not known' });
    const sink = open({ headers: 'authorization=Bearer%20tok-1234' });
    await expect(sink.deliver(makeEvents(1), signal)).rejects.toMatchObject({
      detail: 'The receiver answered 401: [secret] is not known',
    });
  });

  it('are not sent any more to a receiver that is gone', async () => {
    receiver.failWith({ status: 410, body: 'unsubscribed' });
    expect(await codeOf(() => open().deliver(makeEvents(1), signal))).toBe('sink_gone');
  });
});
