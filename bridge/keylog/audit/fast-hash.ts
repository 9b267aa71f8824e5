import { hash } from 'node:crypto';

/**
 * SHA-256 of `input` into `target` at `offset`, without an object for the digest: a string of 32 one-byte characters
 * costs a third of what a Buffer does, and a replay hashes some twenty times for each entry.
 */
export function hashInto(target: Buffer, offset: number, input: Uint8Array): void {
  target.write(hash('sha256', input, 'binary'), offset, DIGEST, 'binary');
}

/** Bytes of a hash. */
export const DIGEST = 32;
