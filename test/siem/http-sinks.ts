import { DATADOG } from '../../connectors/siem/datadog.ts';
import { ELASTIC } from '../../connectors/siem/elastic.ts';
import { OTLP } from '../../connectors/siem/otlp.ts';
import { S3 } from '../../connectors/siem/s3.ts';
import { SENTINEL } from '../../connectors/siem/sentinel.ts';
import type { SinkKind } from '../../connectors/siem/sink.ts';
import { SPLUNK_HEC } from '../../connectors/siem/splunk-hec.ts';
import { WEBHOOK } from '../../connectors/siem/webhook.ts';

/** Every kind over HTTP, with settings that lead to `url`. */
export const HTTP_SINKS: readonly [SinkKind, (url: string) => Record<string, unknown>][] = [
  [SPLUNK_HEC, (url) => ({ url, token: 'hec-token' })],
  [SPLUNK_HEC, (url) => ({ url, token: 'hec-token', acknowledgement: true })],
  [ELASTIC, (url) => ({ url, api_key: 'api-key' })],
  [DATADOG, (url) => ({ url, api_key: 'api-key' })],
  [
    SENTINEL,
    (url) => ({
      ...{ endpoint: url, authority: url, rule_id: `dcr-${'a'.repeat(32)}`, stream: 'Custom-Events' },
      ...{ tenant_id: 'acme', client_id: 'client', client_secret: 'client-secret' },
    }),
  ],
  [
    S3,
    (url) => ({
      ...{ endpoint: url, region: 'eu-central-1', bucket: 'events', path_style: true },
      ...{ access_key_id: 'AKID', secret_access_key: 'secret-key' },
    }),
  ],
  [OTLP, (url) => ({ url })],
  [WEBHOOK, (url) => ({ url, secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' })],
  [WEBHOOK, (url) => ({ url, secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', delivery: 'batch' })],
];
