import type { FormatName } from '../../connectors/siem/formats/formatter.ts';
import { openBulkStore } from '../fakes/receivers/bulk-store.ts';
import { openOtlpCollector } from '../fakes/receivers/otlp-collector.ts';
import type { Receiver } from '../fakes/receivers/receiver.ts';
import type { ReceiverNetwork } from '../fakes/receivers/receiver-network.ts';
import { openHecReceiver } from '../fakes/receivers/splunk-hec.ts';

/** A sink of the bridge that is killed. */
export interface ChaosSink {
  readonly kind: string;
  readonly format: FormatName;
  readonly host: string;
  readonly settings: object;
}

export interface ChaosReceiver extends Receiver {
  readonly held: readonly string[];
  readonly sink: ChaosSink;
}

/** Receivers that outlive the bridge, and how it reaches them. */
export async function openChaosReceivers(network: ReceiverNetwork): Promise<ChaosReceiver[]> {
  const hec = await openHecReceiver(network, { token: 'token', acknowledgement: true });
  const stream = 'logs-countersign.events-default';
  const store = await openBulkStore(network, { authorization: 'ApiKey key', stream });
  const otlp = await openOtlpCollector(network, { apiKey: 'key' });
  return [
    {
      ...hec,
      sink: {
        ...{ kind: 'splunk-hec', format: 'plain', host: hec.host },
        settings: { url: hec.url, token: 'token', acknowledgement: true },
      },
    },
    {
      ...store,
      sink: {
        ...{ kind: 'elastic', format: 'plain', host: store.host },
        settings: { url: store.url, api_key: 'key' },
      },
    },
    {
      ...otlp,
      sink: {
        ...{ kind: 'otlp', format: 'plain', host: otlp.host },
        settings: { url: otlp.url, headers: 'x-api-key=key' },
      },
    },
  ];
}
