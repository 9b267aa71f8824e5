import type { LentBytes } from './lent-bytes.ts';

/**
 * A part of payloads that stands in many of them: turned into base64url once, and then copied. Base64url takes three
 * bytes at a time, so such a part is filled up with spaces to whole threes, and so is what stands before it.
 */
export class WrittenJson {
  readonly base64url: Buffer;

  /** @param text - of JSON, cut where spaces may stand: between two tokens */
  constructor(text: string) {
    this.base64url = Buffer.from(base64url(inThrees(text)), 'latin1');
  }
}

/** The text of a JSON value in its parts, each cut where spaces may stand. */
export type JsonParts = readonly (string | WrittenJson)[];

/** About how many bytes their base64url has: what was not written yet counts by its characters. */
export function sizeOf(parts: JsonParts): number {
  return parts.reduce((size, part) => size + (typeof part === 'string' ? part : part.base64url).length, 0);
}

/** `head`, the base64url of `parts`, and room for `tail` bytes, in bytes of `lend`. */
export function writePayload(
  head: string,
  parts: JsonParts,
  tail: number,
  lend: (size: number) => LentBytes,
): LentBytes {
  const pieces = [head, ...encode(parts)];
  const lent = lend(pieces.reduce((size, { length }) => size + length, tail));
  const { bytes } = lent;
  let end = 0;
  for (const piece of pieces) {
    if (typeof piece === 'string') bytes.write(piece, end, 'latin1');
    else piece.copy(bytes, end);
    end += piece.length;
  }
  return lent;
}

function encode(parts: JsonParts): (string | Buffer)[] {
  const pieces: (string | Buffer)[] = [];
  let fresh = '';
  for (const part of parts) {
    if (typeof part === 'string') {
      fresh += part;
    } else {
      pieces.push(base64url(inThrees(fresh)), part.base64url);
      fresh = '';
    }
  }
  pieces.push(base64url(fresh));
  return pieces;
}

function inThrees(text: string): string {
  const over = Buffer.byteLength(text) % 3;
  return over === 0 ? text : text + ' '.repeat(3 - over);
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}
