import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { pause } from '../../bridge/lib/abortable.ts';
import { HEC_ACK_POLL_MS, SINK_BATCH_BYTES } from '../../bridge/lib/limits.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { withoutEvents } from './answered-fault.ts';
import { fitting } from './http/fitting-events.ts';
import { createHttpReceiver, type HttpReceiver } from './http/http-receiver.ts';
import { headerSecret, receiverUrl, shortText, urlUnder } from './http/http-settings.ts';
import { takenEvents } from './http/taken-events.ts';
import { defineSinkKind, type Sink, type SinkDeps, type SinkEvent } from './sink.ts';
import { createAcknowledgements } from './splunk/acknowledgements.ts';
import { hecAccepted, hecAcks, hecFault } from './splunk/hec-answers.ts';

const settings = z.strictObject({
  url: receiverUrl.describe('Of the collector, without a path: https://splunk.example.com:8088.'),
  token: headerSecret.describe('The token of the HTTP Event Collector.'),
  acknowledgement: z
    .boolean()
    .default(false)
    .describe(
      'Events count as delivered once they are indexed; the token must have indexer acknowledgement enabled.',
    ),
  acknowledgement_timeout_seconds: z
    .int()
    .min(1)
    .max(600)
    .default(300)
    .describe('Events that are not indexed after this are sent again.'),
  index: shortText.optional().describe('The index. Default: that of the token.'),
  source: shortText.default('countersign').describe('The source of the events.'),
  sourcetype: shortText.default('countersign:event').describe('The source type of the events.'),
  host: shortText.optional().describe('The host of the events. Default: the name of this bridge.'),
});

type Settings = z.output<typeof settings>;

const BATCH = 500;

/** The HTTP Event Collector of Splunk, at its endpoint for events. */
export const SPLUNK_HEC = defineSinkKind<Settings>({
  kind: 'splunk-hec',
  doc: 'Sends events to the HTTP Event Collector of Splunk, with or without indexer acknowledgement.',
  settings,
  secrets: ['token'],
  destinations: ['url'],
  formats: ['plain', 'ocsf', 'ecs', 'cef'],
  copy: 'In Splunk search `index=… sourcetype="countersign:event" | sort 0 _indextime | table _raw`, and export it as raw events.',
  open: (given, deps) => (given.acknowledgement ? openAcknowledged(given, deps) : openPlain(given, deps)),
});

function openPlain(given: Settings, deps: SinkDeps): Sink {
  const post = createPost(given, deps, {});
  return {
    batch: BATCH,
    async deliver(events, signal) {
      const { taken } = await post(events, signal);
      return takenEvents(taken);
    },
    close: async () => {},
  };
}

function openAcknowledged(given: Settings, deps: SinkDeps): Sink {
  // Acknowledgements are kept by channel; a new one has none that could be mistaken for ours.
  const channel = { 'x-splunk-request-channel': randomUUID() };
  const post = createPost(given, deps, channel);
  const acks = createAcknowledgements({
    ask: createAsk(given, deps, channel),
    timeoutMs: given.acknowledgement_timeout_seconds * 1_000,
  });

  return {
    batch: BATCH,
    async deliver(events, signal) {
      acks.begin(events[0]?.seq ?? 0);
      await acks.refresh(signal);
      const { taken, ackId } = await post(events, signal);
      if (ackId === undefined) {
        throw new CountersignError('sink_misconfigured', 'The token has no indexer acknowledgement.');
      }
      const { sent } = takenEvents(taken);
      acks.add(ackId, sent);
      return { sent, settled: acks.settled, refused: [] };
    },
    async settle(signal) {
      await acks.refresh(signal);
      while (acks.pending > 0) {
        await pause(HEC_ACK_POLL_MS / 4, signal);
        signal.throwIfAborted();
        await acks.refresh(signal);
      }
      return acks.settled;
    },
    close: async () => {},
  };
}

function createPost(given: Settings, deps: SinkDeps, extra: Record<string, string>) {
  const receiver = hecReceiver(given, deps);
  const url = urlUnder(given.url, 'services/collector/event');
  const headers = { authorization: `Splunk ${given.token}`, 'content-type': 'application/json', ...extra };
  const render = createEnvelope(given, deps);

  return async (events: readonly SinkEvent[], signal: AbortSignal) => {
    const { taken, texts } = fitting(events, render, SINK_BATCH_BYTES);
    const body = texts.join('\n');
    const answer = await receiver.send({ url, headers, body, gzip: true, signal, fault: hecFault });
    return { taken, ackId: receiver.read(answer, hecAccepted).ackId };
  };
}

function createAsk(given: Settings, deps: SinkDeps, channel: Record<string, string>) {
  const receiver = hecReceiver(given, deps);
  const url = urlUnder(given.url, 'services/collector/ack');
  const headers = { authorization: `Splunk ${given.token}`, 'content-type': 'application/json', ...channel };

  return async (ids: readonly number[], signal: AbortSignal): Promise<ReadonlySet<number>> => {
    const body = JSON.stringify({ acks: ids });
    // No event is at fault where a question is refused.
    const fault = ({ status }: { status: number }) => (status === 400 ? 'sink_misconfigured' : undefined);
    const asked = receiver.send({ url, headers, body, signal, fault });
    const { acks } = await withoutEvents(asked.then((answer) => receiver.read(answer, hecAcks)));
    return new Set(ids.filter((id) => acks[String(id)] === true));
  };
}

function hecReceiver(given: Settings, deps: SinkDeps): HttpReceiver {
  return createHttpReceiver({ ...deps, secrets: [given.token] });
}

/** An event with what Splunk indexes it by. Envelopes stand one after another; no array holds them. */
function createEnvelope(given: Settings, { formatter, iss }: SinkDeps): (event: SinkEvent) => string {
  const { source, sourcetype, index } = given;
  const host = given.host ?? new URL(iss).hostname;
  const fixed = JSON.stringify({ host, source, sourcetype, ...(index === undefined ? {} : { index }) });
  const isJson = formatter.name !== 'cef';
  return (event) => {
    const text = formatter.format(event);
    const time = (Date.parse(event.time) / 1_000).toFixed(3);
    return `{"time":${time},${fixed.slice(1, -1)},"event":${isJson ? text : JSON.stringify(text)}}`;
  };
}
