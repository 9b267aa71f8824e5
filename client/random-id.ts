import { encodeBase64url } from '../protocol/base64url.ts';

/** An id that nobody guesses: 128 bits, base64url. */
export function randomId(): string {
  return encodeBase64url(crypto.getRandomValues(new Uint8Array(16)));
}
