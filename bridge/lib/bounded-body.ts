import { CountersignError } from '../../protocol/errors.ts';

/**
 * The bytes of an answer's body, up to `maxBytes`. More is `outbound_too_large`, noticed at the first chunk that
 * goes over; leaving the iteration destroys the stream, and the connection with it.
 */
export async function readBounded(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
  host: string,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > maxBytes) {
      throw new CountersignError('outbound_too_large', `${host} answered with more than ${maxBytes} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
