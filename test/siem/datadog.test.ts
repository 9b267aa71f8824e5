import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATADOG } from '../../connectors/siem/datadog.ts';
import { httpSinkDeps, httpSinkFixture } from '../contract/http-sink-fixture.ts';
import { deliverAll } from '../contract/reference-driver.ts';
import { describeSink } from '../contract/sink-contract.ts';
import { makeEvents } from '../contract/sink-events.ts';
import { type DatadogIntake, openDatadogIntake } from '../fakes/receivers/datadog-intake.ts';
import { openReceiverNetwork, type ReceiverNetwork } from '../fakes/receivers/receiver-network.ts';

const API_KEY = '0123456789abcdef0123456789abcdef';

describeSink('Datadog', async () => {
  const network = await openReceiverNetwork();
  const receiver = await openDatadogIntake(network, { apiKey: API_KEY });
  return httpSinkFixture({
    ...{ network, receiver, kind: DATADOG, format: 'plain', secrets: [API_KEY] },
    settings: { url: `${receiver.url}/api/v2/logs`, api_key: API_KEY },
  });
});

describe('the logs of Datadog', () => {
  const { signal } = new AbortController();
  let network: ReceiverNetwork;
  let intake: DatadogIntake;

  beforeAll(async () => {
    network = await openReceiverNetwork();
    intake = await openDatadogIntake(network, { apiKey: API_KEY });
  });
  afterAll(async () => {
    expect(intake.breaches).toEqual([]);
    await intake.close();
    await network.close();
  });

  function open(settings: object = {}) {
    const given = { url: `${intake.url}/api/v2/logs`, api_key: API_KEY, ...settings };
    return DATADOG.open(given, httpSinkDeps(network, 'plain'));
  }

  it('have the event as their message, and the labels of the settings', async () => {
    const [event] = makeEvents(1);
    if (event === undefined) return expect.fail('no event');
    await open({ service: 'bridge', hostname: 'b1', tags: 'env:prod' }).deliver([event], signal);
    expect(intake.logs.at(-1)).toEqual({
      ...{ ddsource: 'countersign', ddtags: 'env:prod', hostname: 'b1', service: 'bridge' },
      timestamp: Date.parse(event.time),
      message: JSON.stringify(event),
    });
  });

  it('have no timestamp that the intake would not take', async () => {
    const old = makeEvents(1).map((event) => ({ ...event, time: '2020-02-03T04:05:06.789Z' }));
    await open().deliver(old, signal);
    expect(intake.logs.at(-1)).not.toHaveProperty('timestamp');
  });

  it('go in several requests where one would be over 5 MB', async () => {
    const events = makeEvents(100, 1, 'x'.repeat(65_000));
    const outcome = await open().deliver(events, signal);
    expect(outcome.sent).toBeLessThan(100);
    expect(outcome.settled).toBe(outcome.sent);
    await deliverAll(open(), events.slice(outcome.sent));
    expect(intake.held.slice(-100)).toEqual(events.map(({ event_id }) => event_id));
  });

  it('go to the intake of the site where no other address is given', async () => {
    const sink = open({ url: undefined, site: 'us3.datadoghq.com' });
    await expect(sink.deliver(makeEvents(1), signal)).rejects.toMatchObject({
      detail: expect.stringContaining('http-intake.logs.us3.datadoghq.com'),
    });
    const parsed = DATADOG.settings.safeParse({ api_key: API_KEY, site: 'evil.example/x?' });
    expect(parsed.success).toBe(false);
  });
});
