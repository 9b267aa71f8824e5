import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import type { ReceiverNetwork } from './receiver-network.ts';

/** A request, read to its end. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** As it travelled. */
  readonly bytes: Buffer;
  /** Without its compression. */
  readonly body: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/**
 * What a receiver does in the place of its answer.
 * - an answer: that one, and nothing was taken
 * - `hang`: takes nothing and never answers
 * - `drop`: takes nothing and closes the connection
 * - `take-and-drop`: takes the events, and closes in the middle of its answer
 */
export type Fault = Answer | 'hang' | 'drop' | 'take-and-drop';

/** Where a request is not as the receiver's specification has it. */
export class Breach extends Error {}

/** Throws a `Breach`; what a stand-in checks of each request. */
export function demand(holds: boolean, words: string): asserts holds {
  if (!holds) throw new Breach(words);
}

export interface Receiver {
  readonly host: string;
  readonly url: string;
  /** What was sent against the specification, in words. */
  readonly breaches: readonly string[];
  /** Every request, faulty ones too. */
  readonly requests: readonly ReceivedRequest[];
  /** Before it answers as it should, the receiver does these, one a request. */
  failWith(...faults: Fault[]): void;
  /** Every request meets `fault`, until this is called with `undefined`. */
  failAlways(fault: Fault | undefined): void;
  close(): Promise<void>;
}

/** What a receiver needs of its network. */
export interface ReceiverPlace {
  readonly ca: Pick<ReceiverNetwork['ca'], 'issue'>;
  readonly names: Pick<ReceiverNetwork['names'], 'addHost'>;
}

/** An HTTPS server on loopback which answers as `handle` says, unless it is told to fail. `port`: any that is free. */
export async function openReceiver(
  network: ReceiverPlace,
  host: string,
  handle: (request: ReceivedRequest) => Answer,
  options: { certificateFor?: string | undefined; port?: number | undefined } = {},
): Promise<Receiver> {
  const breaches: string[] = [];
  const requests: ReceivedRequest[] = [];
  let queued: Fault[] = [];
  let always: Fault | undefined;

  function answerTo(request: ReceivedRequest): Answer {
    try {
      return handle(request);
    } catch (error) {
      if (!(error instanceof Breach)) breaches.push(String(error));
      else breaches.push(error.message);
      return { status: 400, body: 'against the specification' };
    }
  }

  const server = createServer(
    await network.ca.issue([options.certificateFor ?? host]),
    (message, response) => {
      const meet = (request: ReceivedRequest) => {
        requests.push(request);
        const fault = queued.shift() ?? always;
        if (fault === 'hang') return;
        if (fault === 'drop') return void message.socket.destroy();
        if (fault === 'take-and-drop') return dropWithin(response, answerTo(request));
        write(response, fault ?? answerTo(request));
      };
      void readRequest(message).then(meet, (error: unknown) => {
        // what was cut off on its way is nobody's breach
        if (message.complete) throw error;
      });
    },
  );
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  network.names.addHost(host, '127.0.0.1');
  return {
    host,
    url: `https://${host}:${(server.address() as AddressInfo).port}`,
    breaches,
    requests,
    failWith: (...faults) => {
      queued = faults;
    },
    failAlways: (fault) => {
      always = fault;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readRequest(message: IncomingMessage): Promise<ReceivedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const url = new URL(message.url ?? '/', 'https://receiver.invalid');
  return {
    method: message.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: message.headers,
    bytes,
    body: message.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes,
  };
}

function write(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, answer.headers).end(answer.body ?? '');
}

/** Says how long the answer is, sends a part of it, and is gone. */
function dropWithin(response: ServerResponse, answer: Answer): void {
  const body = Buffer.from(answer.body ?? '').toString('latin1');
  response.writeHead(answer.status, { ...answer.headers, 'content-length': String(body.length + 16) });
  response.write(`${body.slice(0, 4)} `, () => response.socket?.destroy());
}

/** The JSON of a request's body, which must be UTF-8 without a byte order mark. */
export function jsonOf(bytes: Buffer): unknown {
  const text = utf8Of(bytes);
  try {
    return JSON.parse(text);
  } catch {
    throw new Breach('the body is not JSON');
  }
}

export function utf8Of(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Breach('the body is not UTF-8');
  }
}

/** An object of JSON that has exactly these members, or more of `optional`. */
export function membersOf(
  value: unknown,
  required: readonly string[],
  optional: readonly string[] = [],
): Record<string, unknown> {
  demand(typeof value === 'object' && value !== null && !Array.isArray(value), 'expected an object');
  const names = Object.keys(value);
  const missing = required.filter((name) => !names.includes(name));
  const strange = names.filter((name) => !required.includes(name) && !optional.includes(name));
  demand(missing.length === 0, `lacks ${missing.join(', ')}`);
  demand(strange.length === 0, `has ${strange.join(', ')}`);
  return value as Record<string, unknown>;
}

/** The id of an event, wherever its format has it: plain, OCSF, ECS or CloudEvents. */
export function eventIdIn(value: unknown): string {
  const { event_id, metadata, event, id } = Object(value);
  const found: unknown = event_id ?? metadata?.uid ?? event?.id ?? id;
  demand(typeof found === 'string' && found !== '', 'an event has no id');
  return found;
}
