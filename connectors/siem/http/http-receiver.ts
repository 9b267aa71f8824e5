import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type * as z from 'zod';
import type { Clock } from '../../../bridge/lib/clock.ts';
import { SINK_ANSWER_BYTES, SINK_REQUEST_TIMEOUT_MS } from '../../../bridge/lib/limits.ts';
import type { Outbound } from '../../../bridge/lib/outbound.ts';
import type { CountersignError } from '../../../protocol/errors.ts';
import { AnsweredFault } from '../answered-fault.ts';
import { faultOfRequest, faultOfStatus, isLater, type SinkFault } from './receiver-faults.ts';
import { receiverWords } from './receiver-words.ts';
import { retryAfterSeconds } from './retry-after.ts';

const compress = promisify(gzip);

export interface ReceiverRequest {
  readonly url: string | URL;
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  /** None: the request has no body. */
  readonly body?: string | Uint8Array;
  readonly gzip?: boolean;
  readonly signal: AbortSignal;
  /** The status of success, where the receiver has one alone: another one of 2xx is something else that answered. */
  readonly success?: number;
  /** What a status outside 2xx means at this receiver; `undefined`: what it means elsewhere. */
  readonly fault?: (answer: ReceiverAnswer) => SinkFault | undefined;
}

export interface ReceiverAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Chosen by the receiver. */
  readonly text: string;
  /** The same before it was read as UTF-8. */
  readonly bytes: Uint8Array;
}

/** The receiver of a sink, over HTTPS. */
export interface HttpReceiver {
  /** An answer of 2xx. Throws `sink_unavailable`, `sink_misconfigured`, `sink_batch_refused`. */
  send(request: ReceiverRequest): Promise<ReceiverAnswer>;
  /** The JSON of an answer; `sink_unavailable` if it is none, or of another shape: something else answered. */
  read<T>(answer: ReceiverAnswer, schema: z.ZodType<T>): T;
  /** What the receiver said, as an error may carry it. */
  words(text: string): string;
  /** An error with what the receiver said. */
  fault(code: SinkFault, answer: ReceiverAnswer): CountersignError;
}

/** @param options.secrets - whatever must not stand in an error, in each form in which it is sent */
export function createHttpReceiver(options: {
  outbound: Outbound;
  clock: Clock;
  secrets: readonly string[];
}): HttpReceiver {
  const words = (text: string) => receiverWords(text, options.secrets);

  function fault(code: SinkFault, answer: ReceiverAnswer): AnsweredFault {
    const said = words(answer.text);
    const asked = retryAfterSeconds(answer.headers.get('retry-after'), options.clock.now());
    // what asks for less is about how much is sent, whether it says for how long or not
    const retryAfter = asked ?? (isLater(answer.status) ? 0 : undefined);
    const strange =
      code === 'sink_unavailable' && isSuccess(answer) ? ', and not as a receiver of this kind does' : '';
    return new AnsweredFault(code, `The receiver answered ${answer.status}${strange}${said && `: ${said}`}`, {
      ...(retryAfter === undefined || code === 'sink_batch_refused' ? {} : { retryAfter }),
    });
  }

  return {
    words,
    fault,
    async send(request) {
      const answer = await exchange(options.outbound, request);
      if (answer.status === (request.success ?? answer.status) && isSuccess(answer)) return answer;
      if (isSuccess(answer)) throw fault('sink_unavailable', answer);
      throw fault(request.fault?.(answer) ?? faultOfStatus(answer.status), answer);
    },
    read(answer, schema) {
      const parsed = schema.safeParse(jsonIn(answer.text));
      if (parsed.success) return parsed.data;
      throw fault('sink_unavailable', answer);
    },
  };
}

async function exchange(outbound: Outbound, request: ReceiverRequest): Promise<ReceiverAnswer> {
  const url = new URL(request.url);
  const given = request.body;
  const body = given !== undefined && request.gzip === true ? await compress(given) : given;
  try {
    const {
      status,
      headers,
      body: bytes,
    } = await outbound.request(url, {
      method: request.method ?? 'POST',
      headers: { ...request.headers, ...(request.gzip === true ? { 'content-encoding': 'gzip' } : {}) },
      ...(body === undefined ? {} : { body }),
      signal: request.signal,
      timeoutMs: SINK_REQUEST_TIMEOUT_MS,
      maxBytes: SINK_ANSWER_BYTES,
    });
    return { status, headers, bytes, text: new TextDecoder().decode(bytes) };
  } catch (error) {
    throw faultOfRequest(error, url.hostname);
  }
}

function isSuccess({ status }: ReceiverAnswer): boolean {
  return status >= 200 && status < 300;
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
