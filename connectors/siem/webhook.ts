import * as z from 'zod';
import { seconds } from '../../bridge/lib/clock.ts';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import type { FormatName } from './formats/formatter.ts';
import { extraHeaders, parseExtraHeaders } from './http/extra-headers.ts';
import { fitting } from './http/fitting-events.ts';
import { headerCredentials } from './http/header-credentials.ts';
import { createHttpReceiver, type ReceiverAnswer } from './http/http-receiver.ts';
import { receiverUrl } from './http/http-settings.ts';
import type { SinkFault } from './http/receiver-faults.ts';
import { refusedEvent, takenEvents } from './http/taken-events.ts';
import {
  defineSinkKind,
  type Outcome,
  type RefusedEvent,
  type Sink,
  type SinkDeps,
  type SinkEvent,
} from './sink.ts';
import { webhookHeaders, webhookKey } from './webhook/signature.ts';

const secret = z
  .string()
  .max(128)
  .refine((text) => webhookKey(text) !== undefined, 'must be whsec_ and 24 to 64 bytes in base64');

const settings = z.strictObject({
  url: receiverUrl.describe('Where events are posted to.'),
  secret: secret.describe('Signs each message (Standard Webhooks): whsec_ and 24 to 64 bytes in base64.'),
  previous_secret: secret
    .optional()
    .describe('While the secret is changed: messages are signed with this one too.'),
  delivery: z
    .enum(['single', 'batch'])
    .default('single')
    .describe('single: one event a request. batch: up to 100 in a JSON array; faster.'),
  headers: extraHeaders
    .optional()
    .describe('Headers that the receiver wants beside ours: name=value,name=value, percent-encoded.'),
});

type Settings = z.output<typeof settings>;

/** Above most receivers' own limit of a body there is nothing to gain. */
const BATCH_BYTES = 256 * 1024;
const BATCH = 100;
/** After this, what went well is told before more is tried: the driver waits for no call for ever. */
const SINGLES_MS = 15_000;

/** Events as webhooks, signed as Standard Webhooks has it; as CloudEvents structured or batched (HTTP binding 1.0.2). */
export const WEBHOOK = defineSinkKind<Settings>({
  kind: 'webhook',
  doc: 'Posts events to an HTTPS address, signed as Standard Webhooks specifies.',
  settings,
  secrets: ['secret', 'previous_secret', 'headers'],
  destinations: ['url'],
  formats: ['cloudevents', 'plain', 'ocsf', 'ecs'],
  copy: 'Export from the application that takes the webhooks the bodies that it was sent, one a line.',
  open: (given, deps) => openWebhook(given, deps),
});

function openWebhook(given: Settings, deps: SinkDeps): Sink {
  const keys = [given.secret, given.previous_secret].flatMap((text) => webhookKey(text ?? '') ?? []);
  const headers = parseExtraHeaders(given.headers ?? '') ?? {};
  const receiver = createHttpReceiver({
    ...deps,
    secrets: [
      given.secret,
      given.previous_secret ?? '',
      ...Object.values(headers).flatMap(headerCredentials),
    ],
  });

  async function post(id: string, body: string, type: string, signal: AbortSignal): Promise<void> {
    const signed = webhookHeaders({ id, timestamp: seconds(deps.clock), body }, keys);
    const all = { ...headers, ...signed, 'content-type': type };
    await receiver.send({ url: given.url, headers: all, body, signal, fault: faultOf });
  }

  async function deliverBatch(events: readonly SinkEvent[], signal: AbortSignal): Promise<Outcome> {
    const { taken, texts } = fitting(events, (event) => deps.formatter.format(event), BATCH_BYTES);
    const [first, last] = [taken[0], taken.at(-1)];
    // The same events make the same message, so that a repeat is known by its id too.
    const id = first === last ? first?.event_id : `${first?.event_id}_${last?.event_id}`;
    await post(id ?? '', `[${texts.join(',')}]`, contentType(deps.formatter.name, true), signal);
    return takenEvents(taken);
  }

  const deliverSingly = singly(async (event, signal) => {
    const type = contentType(deps.formatter.name, false);
    await post(event.event_id, deps.formatter.format(event), type, signal);
  });

  return {
    batch: BATCH,
    deliver: given.delivery === 'batch' ? deliverBatch : deliverSingly,
    close: async () => {},
  };
}

/** By Standard Webhooks, 410 is the word of a receiver that wants no more. */
function faultOf({ status }: ReceiverAnswer): SinkFault | undefined {
  return status === 410 ? 'sink_gone' : undefined;
}

/**
 * One after another. What went well before a fault is told; the fault is thrown by the next call, before anything is
 * sent: the receiver may have asked to be left alone.
 */
function singly(post: (event: SinkEvent, signal: AbortSignal) => Promise<void>): Sink['deliver'] {
  let fault: unknown;

  function throwFault(): void {
    const before = fault;
    fault = undefined;
    if (before !== undefined) throw before;
  }

  return async (events, signal) => {
    throwFault();
    const until = performance.now() + SINGLES_MS;
    const refused: RefusedEvent[] = [];
    let sent: number | undefined;
    for (const event of events) {
      try {
        await post(event, signal);
      } catch (error) {
        if (isCountersignError(error, 'sink_batch_refused')) {
          refused.push(refusedEvent(event, error.detail ?? ''));
        } else if (sent === undefined) throw error;
        else {
          // where the call was ended, the receiver is not at fault
          if (!signal.aborted) fault = error;
          break;
        }
      }
      sent = event.seq;
      if (performance.now() > until) break;
    }
    if (sent === undefined)
      throw new CountersignError('malformed_request', 'There are no events to deliver.');
    return { sent, settled: sent, refused };
  };
}

function contentType(format: FormatName, batch: boolean): string {
  if (format !== 'cloudevents') return 'application/json';
  return batch ? 'application/cloudevents-batch+json' : 'application/cloudevents+json';
}
