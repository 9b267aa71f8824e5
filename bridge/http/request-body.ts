import type { IncomingMessage } from 'node:http';
import { CountersignError } from '../../protocol/errors.ts';

/**
 * The body of a request, up to `maxBytes`; more is `payload_too_large`, noticed before it is kept. What is left unread
 * is discarded by closing the connection after the answer.
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > maxBytes) throw tooLarge(maxBytes);
  const whole = takeReceived(request, announced);
  if (whole !== undefined) return whole;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** The body where all of it is here already, as that of nearly every request is: an iterator would cost more than its bytes. */
function takeReceived(request: IncomingMessage, announced: number): Uint8Array | undefined {
  if (announced === 0 || !request.complete || request.readableLength !== announced) return undefined;
  const body: Buffer | null = request.read();
  return body === null ? undefined : new Uint8Array(body);
}

/** Refuses a body of another media type (parameters such as a charset do not count). */
export function assertMediaType(request: IncomingMessage, expected: string): void {
  const given = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (given !== expected) {
    throw new CountersignError('unsupported_media_type', `Send this as ${expected}.`);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** UTF-8 text of a body; anything else is `malformed_request`. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new CountersignError('malformed_request', 'The body is not UTF-8.', { cause });
  }
}

/** The JSON value of a body; anything else is `malformed_request`. */
export function decodeJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeText(bytes));
  } catch (cause) {
    throw new CountersignError('malformed_request', 'The body is not JSON.', { cause });
  }
}

/** A body read in vain would keep its sender's connection busy. */
function tooLarge(maxBytes: number): CountersignError {
  return new CountersignError('payload_too_large', `At most ${maxBytes} bytes are taken here.`);
}
