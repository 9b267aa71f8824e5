import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SinkDefinition } from '../../bridge/events/delivery/sink-definition.ts';
import { EVENT_PAGE } from '../../bridge/lib/limits.ts';
import { DATADOG } from '../../connectors/siem/datadog.ts';
import { ELASTIC } from '../../connectors/siem/elastic.ts';
import type { FormatName } from '../../connectors/siem/formats/formatter.ts';
import { OTLP } from '../../connectors/siem/otlp.ts';
import { S3 } from '../../connectors/siem/s3.ts';
import { SENTINEL } from '../../connectors/siem/sentinel.ts';
import type { SinkKind } from '../../connectors/siem/sink.ts';
import { SPLUNK_HEC } from '../../connectors/siem/splunk-hec.ts';
import { WEBHOOK } from '../../connectors/siem/webhook.ts';
import { httpSinkDeps } from '../contract/http-sink-fixture.ts';
import { openAzureMonitor } from '../fakes/receivers/azure-monitor.ts';
import { openBulkStore } from '../fakes/receivers/bulk-store.ts';
import { openDatadogIntake } from '../fakes/receivers/datadog-intake.ts';
import { openObjectStore } from '../fakes/receivers/object-store.ts';
import { openOtlpCollector } from '../fakes/receivers/otlp-collector.ts';
import type { Fault, Receiver } from '../fakes/receivers/receiver.ts';
import { openReceiverNetwork, type ReceiverNetwork } from '../fakes/receivers/receiver-network.ts';
import { openHecReceiver } from '../fakes/receivers/splunk-hec.ts';
import { openWebhookReceiver } from '../fakes/receivers/webhook-receiver.ts';
import { type DeliveryFixture, deliveryFixture } from '../sinks/delivery-fixture.ts';

const WHSEC = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const AZURE = {
  ...{ tenant: 'acme', clientId: 'client', clientSecret: 'entra-secret' },
  ...{ rule: `dcr-${'a'.repeat(32)}`, stream: 'Custom-Events' },
};
const STORE = { bucket: 'events', region: 'eu-1', accessKeyId: 'AKID', secretAccessKey: 'store-secret' };
const FAULTS: readonly Fault[] = [
  'drop',
  'take-and-drop',
  { status: 503 },
  { status: 429, headers: { 'retry-after': '1' } },
  { status: 302, headers: { location: '/' } },
  { status: 403 },
];

type Held = Receiver & { readonly held: readonly string[] };

let fixture: DeliveryFixture;
let network: ReceiverNetwork;
let receivers: Held[];

beforeEach(async () => {
  [fixture, network, receivers] = [await deliveryFixture(), await openReceiverNetwork(), []];
});
afterEach(async () => {
  await fixture.remove();
  for (const receiver of receivers) await receiver.close();
  await network.close();
});

function driven(kind: SinkKind, receiver: Held, settings: object, format: FormatName): void {
  receivers.push(receiver);
  const id = `${kind.kind}-${receivers.length}`;
  const open = async () => ({
    sink: kind.open(settings, httpSinkDeps(network, format)),
    redactionKey: new Uint8Array(32),
  });
  const definition: SinkDefinition = {
    ...{ id, name: id, revision: 1, status: 'enabled', redaction: 'none', open },
    filter: { types: ['person.*'] },
  };
  fixture.definitions.push(definition);
}

async function openAll(): Promise<void> {
  const hec = await openHecReceiver(network, { token: 'hec-token', acknowledgement: true });
  driven(SPLUNK_HEC, hec, { url: hec.url, token: 'hec-token', acknowledgement: true }, 'ocsf');
  const stream = 'logs-countersign.events-default';
  const elastic = await openBulkStore(network, { authorization: 'ApiKey key', stream });
  driven(ELASTIC, elastic, { url: elastic.url, api_key: 'key' }, 'ecs');
  const datadog = await openDatadogIntake(network, { apiKey: 'key' });
  driven(DATADOG, datadog, { url: `${datadog.url}/api/v2/logs`, api_key: 'key' }, 'plain');
  const azure = await openAzureMonitor(network, AZURE);
  const entra = { tenant_id: 'acme', client_id: 'client', client_secret: 'entra-secret' };
  const rule = { endpoint: azure.url, authority: azure.url, rule_id: AZURE.rule, stream: AZURE.stream };
  driven(SENTINEL, azure, { ...entra, ...rule }, 'ocsf');
  const store = await openObjectStore(network, STORE);
  const keys = { access_key_id: 'AKID', secret_access_key: 'store-secret', interval_seconds: 0 };
  const bucket = { endpoint: store.url, bucket: 'events', region: 'eu-1', path_style: true };
  driven(S3, store, { ...keys, ...bucket }, 'plain');
  const otlp = await openOtlpCollector(network, { apiKey: 'key' });
  driven(OTLP, otlp, { url: otlp.url, headers: 'x-api-key=key' }, 'plain');
  const hooks = await openWebhookReceiver(network, { secret: WHSEC, now: Date.now });
  driven(WEBHOOK, hooks, { url: hooks.url, secret: WHSEC, delivery: 'batch' }, 'cloudevents');
}

async function expected(): Promise<string[]> {
  const events = await fixture.log.page({ since: 0, limit: EVENT_PAGE });
  return events.filter(({ type }) => type === 'person.closed').map(({ event_id }) => event_id);
}

/** Waits for the slowest of them. */
async function allHold(waited: readonly Held[], events: number): Promise<void> {
  const sizes = () => waited.map(({ held }) => new Set(held).size);
  const all = waited.map(() => events);
  await vi.waitFor(() => expect(sizes()).toEqual(all), { timeout: 60_000, interval: 50 });
}

describe('every sink over HTTP, driven by the bridge', () => {
  it('gets all events in order, while receivers fail and the bridge is restarted', async () => {
    await openAll();
    await fixture.append(300);
    for (const [at, receiver] of receivers.entries()) {
      receiver.failWith(
        ...Array.from({ length: 12 }, (_, n) => FAULTS[(n * 5 + at) % FAULTS.length] ?? 'drop'),
      );
    }
    for (let round = 0; round < 3; round += 1) {
      const delivery = fixture.deliver();
      await fixture.append(100);
      const begun = () => expect(receivers[round]?.requests.length).toBeGreaterThan(round * 3);
      await vi.waitFor(begun, { timeout: 20_000 });
      await delivery.stop();
    }
    fixture.deliver();
    const ids = await expected();
    expect(ids).toHaveLength(600);
    await allHold(receivers, 600);
    for (const receiver of receivers) {
      expect([...new Set(receiver.held)]).toEqual(ids);
      expect(receiver.breaches).toEqual([]);
    }
  }, 150_000);

  it('is kept from its events by its own receiver alone', async () => {
    await openAll();
    const [broken, ...others] = receivers;
    broken?.failAlways('hang');
    fixture.deliver();
    await fixture.append(50);
    await allHold(others, 50);
    expect(broken?.held).toEqual([]);
  }, 90_000);
});
