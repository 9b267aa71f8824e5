import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { pause } from '../../bridge/lib/abortable.ts';
import { EVENT_PAGE, SINK_BATCH_BYTES } from '../../bridge/lib/limits.ts';
import { fitting } from './http/fitting-events.ts';
import { createHttpReceiver, type ReceiverAnswer } from './http/http-receiver.ts';
import { urlUnder } from './http/http-settings.ts';
import type { SinkFault } from './http/receiver-faults.ts';
import { takenEvents } from './http/taken-events.ts';
import { s3Copy } from './s3/s3-copy.ts';
import { awsCredentials, bucketUrl, type S3Settings, s3Settings, sinkPrefix } from './s3/s3-settings.ts';
import { sha256, signV4 } from './s3/signature-v4.ts';
import { isWritten } from './s3/written-object.ts';
import { defineSinkKind, type Sink, type SinkDeps, type SinkEvent } from './sink.ts';

const DAY_MS = 86_400_000;
/** Digits of a `seq` in a key, so that keys sort as the events do. */
const SEQ_DIGITS = 16;

const compress = promisify(gzip);

/** Amazon S3 and what is compatible with it: an object of gzipped NDJSON for each batch. */
export const S3 = defineSinkKind<S3Settings>({
  kind: 's3',
  doc: 'Keeps events as objects of compressed lines in S3 or a compatible store.',
  settings: s3Settings,
  secrets: ['secret_access_key', 'session_token'],
  destinations: ['region', 'endpoint', 'bucket', 'path_style'],
  formats: ['plain', 'ocsf', 'ecs', 'cloudevents'],
  interval: (given) => given.interval_seconds,
  open: (given, deps) => openS3(given, deps),
  copy: (given, deps) => s3Copy(given, deps),
});

function openS3(given: S3Settings, deps: SinkDeps): Sink {
  const receiver = createHttpReceiver({
    ...deps,
    secrets: [given.secret_access_key, given.session_token ?? ''],
  });
  const bucket = bucketUrl(given);
  const prefix = sinkPrefix(given, deps);
  /** By the process's own clock, which is never set. */
  let written = Number.NEGATIVE_INFINITY;

  async function put(
    events: readonly SinkEvent[],
    lines: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const body = await compress(lines.join(''));
    const url = urlUnder(bucket.href, `${prefix}/${objectKey(events)}`);
    const payloadHash = sha256(body);
    const md5 = createHash('md5').update(body).digest();
    const headers = signV4(
      {
        ...{ method: 'PUT', url, payloadHash },
        headers: {
          // An object that arrives damaged is refused, and object lock wants it.
          'content-md5': md5.toString('base64'),
          'content-type': 'application/gzip',
          'x-amz-content-sha256': payloadHash,
          ...lockHeaders(given, deps.clock.now()),
        },
      },
      { region: given.region, service: 's3', now: deps.clock.now() },
      awsCredentials(given),
    );
    const sent = { url, headers, body, signal, fault, success: 200 };
    const answer = await receiver.send({ ...sent, method: 'PUT' });
    if (!isWritten(answer, md5)) throw receiver.fault('sink_unavailable', answer);
  }

  return {
    batch: EVENT_PAGE,
    async deliver(events, signal, more = false) {
      const wait = written + given.interval_seconds * 1_000 - performance.now();
      // What comes while we wait will be in the next one.
      if (wait > 0 && !more) await pause(wait, signal);
      signal.throwIfAborted();
      const { taken, texts } = fitting(
        events,
        (event) => `${deps.formatter.format(event)}\n`,
        SINK_BATCH_BYTES,
        0,
      );
      await put(taken, texts, signal);
      written = performance.now();
      return takenEvents(taken);
    },
    close: async () => {},
  };
}

/**
 * `yyyy/mm/dd/hh/<first>-<last>.<event_id>.ndjson.gz`, by the time and id of the first event; replays stand beside the
 * original. A bridge that was restored from a backup gives numbers a second time, but no id.
 */
function objectKey(events: readonly SinkEvent[]): string {
  const [first, last] = [events[0], events.at(-1)];
  const hour = (first?.time ?? '').slice(0, 13).replace(/[-T]/g, '/');
  const replay = first?.replay === undefined ? '' : `.${first.replay}`;
  const digits = (seq = 0) => String(seq).padStart(SEQ_DIGITS, '0');
  return `${hour}/${digits(first?.seq)}-${digits(last?.seq)}.${first?.event_id}${replay}.ndjson.gz`;
}

function lockHeaders(given: S3Settings, now: number): Record<string, string> {
  if (given.object_lock === undefined || given.object_lock_days === undefined) return {};
  return {
    'x-amz-object-lock-mode': given.object_lock,
    'x-amz-object-lock-retain-until-date': new Date(now + given.object_lock_days * DAY_MS).toISOString(),
  };
}

/** No event is at fault where an object is refused: the store does not look into it. */
function fault({ status, text }: ReceiverAnswer): SinkFault | undefined {
  const code = /<Code>(\w+)<\/Code>/.exec(text)?.[1] ?? '';
  if (['RequestTimeout', 'BadDigest', 'IncompleteBody', 'OperationAborted'].includes(code)) {
    return 'sink_unavailable';
  }
  return status === 400 || status === 413 || status === 422 ? 'sink_misconfigured' : undefined;
}
