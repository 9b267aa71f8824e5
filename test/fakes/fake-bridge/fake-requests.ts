import type { IncomingMessage, ServerResponse } from 'node:http';
import { CountersignError, ERRORS } from '../../../protocol/errors.ts';

/** A request as the fake bridge's parts see it. */
export interface FakeRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface FakeAnswer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}

export function json(status: number, value: unknown, headers: Record<string, string> = {}): FakeAnswer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) };
}

/** A problem document (RFC 9457) as the bridge renders errors. */
export function problem(error: unknown): FakeAnswer {
  const ours = error instanceof CountersignError ? error : new CountersignError('internal', String(error));
  const { status, title } = ERRORS[ours.code];
  const challenge = status === 401 ? { 'www-authenticate': 'DPoP error="invalid_token"' } : {};
  const text = {
    type: 'about:blank',
    title,
    status,
    code: ours.code,
    ...(ours.detail === undefined ? {} : { detail: ours.detail }),
    request_id: 'request-1',
  };
  return json(status, text, { 'content-type': 'application/problem+json', ...challenge });
}

export async function readRequest(request: IncomingMessage, origin: string): Promise<FakeRequest> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return {
    method: request.method ?? '',
    url: new URL(request.url ?? '/', origin),
    headers: request.headers,
    body: Buffer.concat(pieces).toString('utf8'),
  };
}

export function send(response: ServerResponse, answer: FakeAnswer): void {
  response.writeHead(answer.status, answer.headers ?? {}).end(answer.body);
}
