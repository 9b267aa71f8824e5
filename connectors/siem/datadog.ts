import * as z from 'zod';
import { fitting } from './http/fitting-events.ts';
import { createHttpReceiver } from './http/http-receiver.ts';
import { headerSecret, receiverUrl, shortText } from './http/http-settings.ts';
import { takenEvents } from './http/taken-events.ts';
import { defineSinkKind, type Sink, type SinkDeps, type SinkEvent } from './sink.ts';

const settings = z.strictObject({
  site: z
    .string()
    .max(253)
    .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'must be a site such as datadoghq.eu')
    .default('datadoghq.com')
    .describe('The Datadog site: datadoghq.com, datadoghq.eu, us3.datadoghq.com, ddog-gov.com …'),
  url: receiverUrl
    .optional()
    .describe('Of the intake, with its path, where it is another than the site’s: a proxy of your own.'),
  api_key: headerSecret.describe('An API key of the organization.'),
  service: shortText.default('countersign').describe('The service that logs stand under.'),
  hostname: shortText.optional().describe('The host of the logs. Default: the name of this bridge.'),
  tags: z
    .string()
    .max(2_000)
    .regex(/^[^\p{Cc}]*$/u)
    .default('')
    .describe('Tags of every log: env:prod,team:security.'),
});

type Settings = z.output<typeof settings>;

/** The intake's own limits: 1,000 logs and 5 MB of JSON in one request. */
const BATCH = 1_000;
const BATCH_BYTES = 4_900_000;
/** The intake takes no time that is longer ago, and would put its own in the place of it. */
const OLDEST_MS = 18 * 3_600_000;

/** What the intake answers: 202, and an object without errors. */
const accepted = z.looseObject({
  error: z.undefined().optional(),
  errors: z.array(z.unknown()).max(0).optional(),
});

/** The HTTP intake of Datadog for logs (API v2). */
export const DATADOG = defineSinkKind<Settings>({
  kind: 'datadog',
  doc: 'Sends events as logs to Datadog.',
  settings,
  secrets: ['api_key'],
  destinations: ['site', 'url'],
  formats: ['plain', 'ocsf', 'ecs'],
  copy: 'In Datadog export the logs of the service as JSON (or fetch their archive), and take the event out of each: its attributes, or its message.',
  open: (given, deps) => openDatadog(given, deps),
});

function openDatadog(given: Settings, deps: SinkDeps): Sink {
  const receiver = createHttpReceiver({ ...deps, secrets: [given.api_key] });
  const url = given.url ?? `https://http-intake.logs.${given.site}/api/v2/logs`;
  const headers = { 'dd-api-key': given.api_key, 'content-type': 'application/json' };
  const fixed = {
    ddsource: 'countersign',
    ddtags: given.tags,
    hostname: given.hostname ?? new URL(deps.iss).hostname,
    service: given.service,
  };

  function render(event: SinkEvent): string {
    const time = Date.parse(event.time);
    const timestamp = deps.clock.now() - time < OLDEST_MS ? { timestamp: time } : {};
    return JSON.stringify({ ...fixed, ...timestamp, message: deps.formatter.format(event) });
  }

  return {
    batch: BATCH,
    async deliver(events, signal) {
      const { taken, texts } = fitting(events, render, BATCH_BYTES);
      const body = `[${texts.join(',')}]`;
      const answer = await receiver.send({ url, headers, body, gzip: true, signal, success: 202 });
      if (answer.text !== '') receiver.read(answer, accepted);
      return takenEvents(taken);
    },
    close: async () => {},
  };
}
