import * as z from 'zod';
import { SINK_BATCH_BYTES } from '../../bridge/lib/limits.ts';
import { ITEM_MEMBERS, outcomeOfItems } from './elastic/bulk-items.ts';
import { elasticCopy } from './elastic/elastic-copy.ts';
import { fitting } from './http/fitting-events.ts';
import { createHttpReceiver } from './http/http-receiver.ts';
import { headerSecret, receiverUrl, urlUnder } from './http/http-settings.ts';
import { defineSinkKind, type Sink, type SinkDeps, type SinkEvent } from './sink.ts';

const settings = z
  .strictObject({
    url: receiverUrl.describe('Of Elasticsearch or OpenSearch: https://search.example.com:9200.'),
    data_stream: z
      .string()
      .max(255)
      .regex(/^[a-z0-9][a-z0-9._-]*$/, 'must be lower-case letters, digits, dots, hyphens and underscores')
      .default('logs-countersign.events-default')
      .describe('The data stream or index that events are created in.'),
    api_key: headerSecret.optional().describe('An API key, encoded as the store shows it.'),
    username: z
      .string()
      .min(1)
      .max(256)
      .regex(/^[^:\p{Cc}]+$/u)
      .optional()
      .describe('A user, where there is no API key.'),
    password: z.string().min(1).max(1_024).optional().describe('The password of that user.'),
    pipeline: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .describe('The ingest pipeline that events go through. Default: that of the data stream.'),
  })
  .refine(
    ({ api_key, username, password }) =>
      (api_key === undefined) !== (username === undefined) &&
      (username === undefined) === (password === undefined),
    { path: ['api_key'], error: 'give either api_key, or username and password' },
  );

type Settings = z.output<typeof settings>;

const BATCH = 1_000;

/** Elasticsearch and OpenSearch, by `_bulk` with `create` alone: data streams take nothing else. */
export const ELASTIC = defineSinkKind<Settings>({
  kind: 'elastic',
  doc: 'Creates events as documents in a data stream of Elasticsearch or OpenSearch.',
  settings,
  secrets: ['api_key', 'password'],
  // another index must not be read, nor written to, with a key that was given for this one
  destinations: ['url', 'data_stream'],
  formats: ['ecs', 'ocsf', 'plain'],
  open: (given, deps) => openElastic(given, deps),
  copy(given, deps) {
    const { authorization, secrets } = authenticationOf(given);
    const url = (end: string) => urlUnder(given.url, `${encodeURIComponent(given.data_stream)}/${end}`);
    const urls = { search: url('_search'), refresh: url('_refresh') };
    const format = deps.formatter.name;
    return elasticCopy(createHttpReceiver({ ...deps, secrets }), { ...urls, authorization, format });
  },
});

function openElastic(given: Settings, deps: SinkDeps): Sink {
  const { authorization, secrets } = authenticationOf(given);
  const receiver = createHttpReceiver({ ...deps, secrets });
  const url = urlUnder(given.url, `${encodeURIComponent(given.data_stream)}/_bulk`);
  // Everything else that an item says would make the answer as long as the request.
  url.searchParams.set('filter_path', ITEM_MEMBERS);
  if (given.pipeline !== undefined) url.searchParams.set('pipeline', given.pipeline);
  const headers = { authorization, 'content-type': 'application/x-ndjson' };

  return {
    batch: BATCH,
    async deliver(events, signal) {
      const { taken, texts } = fitting(events, (event) => lines(event, deps), SINK_BATCH_BYTES, 0);
      const answer = await receiver.send({ url, headers, body: texts.join(''), gzip: true, signal });
      return outcomeOfItems(taken, answer, receiver, given.data_stream);
    },
    close: async () => {},
  };
}

function authenticationOf(given: Settings): { authorization: string; secrets: string[] } {
  if (given.api_key !== undefined) {
    return { authorization: `ApiKey ${given.api_key}`, secrets: [given.api_key] };
  }
  const { username = '', password = '' } = given;
  const encoded = Buffer.from(`${username}:${password}`).toString('base64');
  return { authorization: `Basic ${encoded}`, secrets: [password, encoded] };
}

/** The action with the id that repeats are known by, and the document. */
function lines(event: SinkEvent, { formatter }: SinkDeps): string {
  const action = JSON.stringify({ create: { _id: event.event_id } });
  const text = formatter.format(event);
  // Data streams want it of every document; ECS has it already.
  const document =
    formatter.name === 'ecs' ? text : `{"@timestamp":${JSON.stringify(event.time)},${text.slice(1)}`;
  return `${action}\n${document}\n`;
}
