import type { IncomingMessage } from 'node:http';
import { CountersignError } from '../../../protocol/errors.ts';
import { assertMediaType, decodeText, readBody } from '../request-body.ts';

/** The fields of a submitted form, each once. Throws `malformed_request`, `payload_too_large`, `unsupported_media_type`. */
export async function readForm(
  request: IncomingMessage,
  maxBytes: number,
): Promise<Readonly<Record<string, string>>> {
  assertMediaType(request, 'application/x-www-form-urlencoded');
  const fields = new URLSearchParams(decodeText(await readBody(request, maxBytes)));
  if (new Set(fields.keys()).size !== fields.size) {
    throw new CountersignError('malformed_request', 'A field of the form is there twice.');
  }
  return Object.fromEntries(fields);
}
