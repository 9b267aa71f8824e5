import * as z from 'zod';
import { fitting } from './http/fitting-events.ts';
import { createHttpReceiver, type ReceiverAnswer } from './http/http-receiver.ts';
import { receiverUrl, urlUnder } from './http/http-settings.ts';
import type { SinkFault } from './http/receiver-faults.ts';
import { takenEvents } from './http/taken-events.ts';
import { createEntraTokens } from './sentinel/entra-token.ts';
import { defineSinkKind, type Sink, type SinkDeps, type SinkEvent } from './sink.ts';

const settings = z.strictObject({
  endpoint: receiverUrl.describe(
    'Where logs are ingested: the logs endpoint of the data collection rule, or of a data collection endpoint.',
  ),
  rule_id: z
    .string()
    .regex(/^dcr-[0-9a-f]{32}$/, 'must be dcr- and 32 hexadecimal digits')
    .describe('The immutable id of the data collection rule.'),
  stream: z
    .string()
    .max(128)
    .regex(/^Custom-\w+$/, 'must be Custom- and a name')
    .describe('The stream of that rule: Custom-Countersign_CL.'),
  tenant_id: z
    .string()
    .max(253)
    .regex(/^\w[\w.-]*$/)
    .describe('The Entra tenant of the application.'),
  client_id: z
    .string()
    .max(64)
    .regex(/^[\w-]+$/)
    .describe('The application (client) id; it needs the role Monitoring Metrics Publisher on the rule.'),
  client_secret: z.string().min(1).max(1_024).describe('A client secret of the application.'),
  authority: receiverUrl
    .default('https://login.microsoftonline.com')
    .describe('Where Entra issues tokens; another one in sovereign clouds.'),
  scope: z
    .string()
    .max(256)
    .regex(/^[\x21-\x7e]+$/)
    .default('https://monitor.azure.com/.default')
    .describe('What the token is asked for; another one in sovereign clouds.'),
});

type Settings = z.output<typeof settings>;

const API_VERSION = '2023-01-01';
const BATCH = 1_000;
/** The service takes 1 MB in one call, counted before compression. */
const BATCH_BYTES = 1_000_000;

/** Microsoft Sentinel by the Logs Ingestion API of Azure Monitor. */
export const SENTINEL = defineSinkKind<Settings>({
  kind: 'sentinel',
  doc: 'Sends events to a table of Microsoft Sentinel by the Logs Ingestion API.',
  settings,
  secrets: ['client_secret'],
  destinations: ['endpoint', 'authority', 'tenant_id'],
  formats: ['ocsf', 'ecs', 'plain'],
  copy: 'In Log Analytics run `Countersign_CL | sort by Seq asc | project Event`, export the result, and put each Event on a line.',
  open: (given, deps) => openSentinel(given, deps),
});

function openSentinel(given: Settings, deps: SinkDeps): Sink {
  const secrets = [given.client_secret, encodeURIComponent(given.client_secret)];
  const receiver = createHttpReceiver({ ...deps, secrets });
  const tokens = createEntraTokens(
    {
      url: urlUnder(given.authority, `${given.tenant_id}/oauth2/v2.0/token`),
      clientId: given.client_id,
      clientSecret: given.client_secret,
      scope: given.scope,
    },
    receiver,
    deps.clock,
  );
  const url = urlUnder(given.endpoint, `dataCollectionRules/${given.rule_id}/streams/${given.stream}`);
  url.searchParams.set('api-version', API_VERSION);

  return {
    batch: BATCH,
    async deliver(events, signal) {
      const { taken, texts } = fitting(events, (event) => row(event, deps), BATCH_BYTES);
      const { token, fresh } = await tokens.token(signal);
      // Only the token in use can turn up in an answer.
      secrets[2] = token;
      await receiver.send({
        ...{ url, body: `[${texts.join(',')}]`, gzip: true, signal, success: 204 },
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        fault(answer) {
          if (answer.status === 401) tokens.forget();
          return faultOf(answer, fresh);
        },
      });
      return takenEvents(taken);
    },
    close: async () => {},
  };
}

/** The stream and the rule are settings; a token can be withdrawn before its time. */
function faultOf({ status, text }: ReceiverAnswer, fresh: boolean): SinkFault | undefined {
  if (status === 401 && !fresh) return 'sink_unavailable';
  return status === 400 && /"code"\s*:\s*"Invalid(Stream|Dcr|ApiVersion)/i.test(text)
    ? 'sink_misconfigured'
    : undefined;
}

/** A row of columns that stay the same whatever the format, so that the rule need not be changed with it. */
function row(event: SinkEvent, { formatter }: SinkDeps): string {
  const columns = {
    TimeGenerated: event.time,
    EventId: event.event_id,
    Seq: event.seq,
    EventType: event.type,
    Outcome: event.outcome,
    Code: event.code ?? '',
  };
  return `${JSON.stringify(columns).slice(0, -1)},"Event":${formatter.format(event)}}`;
}
