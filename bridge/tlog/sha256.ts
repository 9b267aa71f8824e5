import { hash } from 'node:crypto';
import type { Sha256 } from '../../protocol/tlog/merkle.ts';

/** SHA-256 by OpenSSL in one call, several times as fast as the portable one: for whoever hashes whole trees. */
export const sha256: Sha256 = (bytes) => {
  const digest = hash('sha256', bytes, 'buffer');
  return new Uint8Array(digest.buffer, digest.byteOffset, digest.length);
};
