import * as z from 'zod';
import { SINK_BATCH_BYTES } from '../../bridge/lib/limits.ts';
import { extraHeaders, parseExtraHeaders } from './http/extra-headers.ts';
import { fitting } from './http/fitting-events.ts';
import { headerCredentials } from './http/header-credentials.ts';
import { createHttpReceiver, type HttpReceiver, type ReceiverAnswer } from './http/http-receiver.ts';
import { receiverUrl, urlUnder } from './http/http-settings.ts';
import { refusedEvent, takenEvents } from './http/taken-events.ts';
import { logRecord, requestAround } from './otlp/log-records.ts';
import { defineSinkKind, type Outcome, type Sink, type SinkDeps, type SinkEvent } from './sink.ts';

const settings = z.strictObject({
  url: receiverUrl.describe('Of the collector, without /v1/logs: https://otel.example.com:4318.'),
  headers: extraHeaders
    .optional()
    .describe('Headers that the collector wants, as in OTEL_EXPORTER_OTLP_HEADERS: name=value,name=value.'),
});

type Settings = z.output<typeof settings>;

const BATCH = 1_000;

const int64 = z.union([z.int().min(0), z.string().regex(/^\d{1,19}$/)]).transform(Number);
/**
 * `ExportLogsServiceResponse`, which has had this one member since it is there. Another one is no news of the protocol
 * but an error of something that stands before the collector.
 */
const exported = z.strictObject({
  partialSuccess: z
    .strictObject({ rejectedLogRecords: int64.default(0), errorMessage: z.string().default('') })
    .nullish(),
});

/** OpenTelemetry logs by OTLP over HTTP, in its JSON encoding (OTLP 1.x). */
export const OTLP = defineSinkKind<Settings>({
  kind: 'otlp',
  doc: 'Sends events as OpenTelemetry log records to a collector, by OTLP over HTTP.',
  settings,
  secrets: ['headers'],
  destinations: ['url'],
  formats: ['plain', 'ocsf', 'ecs', 'cef'],
  copy: 'What became of the records is for the collector’s exporters: fetch them there, and put the body of each on a line.',
  open: (given, deps) => openOtlp(given, deps),
});

function openOtlp(given: Settings, deps: SinkDeps): Sink {
  const extra = parseExtraHeaders(given.headers ?? '') ?? {};
  const receiver = createHttpReceiver({ ...deps, secrets: Object.values(extra).flatMap(headerCredentials) });
  const url = urlUnder(given.url, 'v1/logs');
  const headers = { ...extra, 'content-type': 'application/json' };
  const { before, after } = requestAround(deps.iss);

  return {
    batch: BATCH,
    async deliver(events, signal) {
      const { taken, texts } = fitting(events, (event) => logRecord(event, deps), SINK_BATCH_BYTES);
      const body = `${before}${texts.join(',')}${after}`;
      const answer = await receiver.send({ url, headers, body, gzip: true, signal });
      return outcomeOf(taken, answer, receiver);
    },
    close: async () => {},
  };
}

/**
 * A collector that rejects records says how many, not which. Where it is not all of them, the batch is sent again in
 * parts until it is known: an event lost would be worse than one that comes twice, with the same `log.record.uid`.
 */
function outcomeOf(events: readonly SinkEvent[], answer: ReceiverAnswer, receiver: HttpReceiver): Outcome {
  if (answer.text === '') return takenEvents(events);
  const { partialSuccess } = receiver.read(answer, exported);
  const rejected = partialSuccess?.rejectedLogRecords ?? 0;
  if (rejected === 0) return takenEvents(events);
  if (rejected < events.length) throw receiver.fault('sink_batch_refused', answer);
  const words = receiver.words(partialSuccess?.errorMessage ?? '') || 'rejected without a word';
  return takenEvents(
    events,
    events.map((event) => refusedEvent(event, words)),
  );
}
