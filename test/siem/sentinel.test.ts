import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SENTINEL } from '../../connectors/siem/sentinel.ts';
import { httpSinkDeps, httpSinkFixture } from '../contract/http-sink-fixture.ts';
import { describeSink } from '../contract/sink-contract.ts';
import { makeEvents } from '../contract/sink-events.ts';
import { type AzureMonitor, openAzureMonitor } from '../fakes/receivers/azure-monitor.ts';
import { openReceiverNetwork, type ReceiverNetwork } from '../fakes/receivers/receiver-network.ts';
import { codeOf } from '../protocol/codes.ts';

const SECRET = 'Zq8~entra/secret+value=';
const AZURE = {
  ...{ tenant: 'acme.onmicrosoft.example', clientId: '0c1d-client', clientSecret: SECRET },
  ...{ rule: 'dcr-000a00a000a00000a000000aa000a0aa', stream: 'Custom-Countersign_CL' },
};

function settingsFor(url: string) {
  const { tenant: tenant_id, clientId: client_id, rule: rule_id, stream } = AZURE;
  return { endpoint: url, authority: url, tenant_id, client_id, client_secret: SECRET, rule_id, stream };
}

describeSink('Microsoft Sentinel', async () => {
  const network = await openReceiverNetwork();
  const receiver = await openAzureMonitor(network, AZURE);
  return httpSinkFixture({
    ...{ network, receiver, kind: SENTINEL, format: 'ocsf', secrets: [SECRET] },
    settings: settingsFor(receiver.url),
  });
});

describe('the access token of Sentinel', () => {
  const { signal } = new AbortController();
  let network: ReceiverNetwork;
  let azure: AzureMonitor;

  beforeAll(async () => {
    network = await openReceiverNetwork();
  });
  beforeEach(async () => {
    azure = await openAzureMonitor(network, AZURE);
    return async () => {
      expect(azure.breaches).toEqual([]);
      await azure.close();
    };
  });
  afterAll(() => network.close());

  function open(settings: object = {}, now?: () => number) {
    const deps = httpSinkDeps(network, 'plain');
    const clock = now === undefined ? deps.clock : { now };
    return SENTINEL.open({ ...settingsFor(azure.url), ...settings }, { ...deps, clock });
  }

  it('is asked for once and used until five minutes before it ends', async () => {
    let now = Date.now();
    const sink = open({}, () => now);
    await sink.deliver(makeEvents(1), signal);
    await sink.deliver(makeEvents(1), signal);
    now += (3_599 - 301) * 1_000;
    await sink.deliver(makeEvents(1), signal);
    expect(azure.tokensIssued).toBe(1);
    now += 2_000;
    await sink.deliver(makeEvents(1), signal);
    expect(azure.tokensIssued).toBe(2);
  });

  it('is asked for anew when it was withdrawn', async () => {
    const sink = open();
    await sink.deliver(makeEvents(1), signal);
    azure.withdrawTokens();
    const events = makeEvents(2);
    expect(await codeOf(() => sink.deliver(events, signal))).toBe('sink_unavailable');
    expect(await sink.deliver(events, signal)).toMatchObject({ settled: 2 });
  });

  it('that is refused though it is new is a fault of the settings', async () => {
    azure.failWith(
      { status: 200, body: '{"token_type":"Bearer","expires_in":3599,"access_token":"not-a-good-one"}' },
      { status: 401, body: 'the token not-a-good-one is not good' },
    );
    await expect(open().deliver(makeEvents(1), signal)).rejects.toMatchObject({
      ...{ code: 'sink_misconfigured', detail: 'The receiver answered 401: the token [secret] is not good' },
    });
  });

  it.each([
    ['a wrong secret', { client_secret: 'wrong' }],
    ['an unknown application', { client_id: 'nobody' }],
    ['a wrong scope', { scope: 'https://graph.microsoft.com/.default' }],
    ['an unknown rule', { rule_id: 'dcr-ffffffffffffffffffffffffffffffff' }],
    ['an unknown stream', { stream: 'Custom-Other' }],
  ])('or the rule: %s is a fault of the settings, and no event is given up', async (_name, wrong) => {
    expect(await codeOf(() => open(wrong).deliver(makeEvents(2), signal))).toBe('sink_misconfigured');
  });

  it('is not taken from something else that answers', async () => {
    azure.failWith({ status: 200, body: '{"access_token":"x\\r\\ny","token_type":"Bearer","expires_in":1}' });
    expect(await codeOf(() => open().deliver(makeEvents(1), signal))).toBe('sink_unavailable');
  });

  it('lets rows in, which have the same columns in every format', async () => {
    const [event] = makeEvents(1);
    if (event === undefined) return expect.fail('no event');
    await open().deliver([event], signal);
    expect(azure.rows.at(-1)).toEqual({
      ...{ TimeGenerated: event.time, EventId: event.event_id, Seq: 1, EventType: 'device.added' },
      ...{ Outcome: 'success', Code: '', Event: JSON.parse(JSON.stringify(event)) },
    });
  });
});
